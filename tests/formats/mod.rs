//! What others rely on: the sample in `datasets`, and what the detections make of generated attacks.

mod dataset;
mod evidence;
