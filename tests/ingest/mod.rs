//! From files to the lake: every line accounted for, nothing twice, nothing of a refused source, whatever happens.

mod again;
mod crash;
mod damage;
mod law;
mod old;
mod reference;
