//! Joining: the same lines, wherever they were cut and however they are read.

use proptest::prelude::*;

use super::*;

/// Hands out `step` bytes at a time.
struct Steps<'a>(&'a [u8], usize);

impl Read for Steps<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.1.min(into.len()).min(self.0.len());
        into[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

fn joined(text: &str, step: usize) -> String {
    let cutter = cutter(text.as_bytes()).unwrap();
    let mut out = Vec::new();
    JoinReader::new(Steps(text.as_bytes(), step), cutter).read_to_end(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[track_caller]
fn check(text: &str, expected: &str) {
    for step in [1, 7, 100_000] {
        assert_eq!(joined(text, step), expected, "read {step} bytes at a time");
    }
}

const OUT: &str = "2026-01-15T10:00:00.000000001Z stdout";
const ERR: &str = "2026-01-15T10:00:00.000000001Z stderr";

#[test]
fn pieces_of_a_container_log_are_joined_and_lines_keep_their_numbers() {
    let text = format!("{OUT} F one\n{OUT} P tw\n{OUT} P o, \n{OUT} F three\n{OUT} F four\n");
    check(&text, &format!("{OUT} F one\n\n\n{OUT} F two, three\n{OUT} F four\n"));
}

#[test]
fn pieces_of_both_streams_are_kept_apart() {
    let text = format!("{OUT} P {{\"a\n{ERR} P I01\n{ERR} F 15 x\n{OUT} F b\"}}\n");
    check(&text, &format!("\n\n{ERR} F I0115 x\n{OUT} F {{\"ab\"}}\n"));
}

#[test]
fn a_piece_without_its_end_is_given_out_at_the_end() {
    check(&format!("{OUT} F one\n{OUT} P tw"), &format!("{OUT} F one\n{OUT} F tw"));
    check(&format!("{OUT} F one\n{OUT} P tw\n"), &format!("{OUT} F one\n\n{OUT} F tw"));
}

#[test]
fn lines_of_another_shape_pass_as_they_are() {
    let text = format!("{OUT} P a\nbetween\n\n{OUT} X b\n{OUT} F c");
    check(&text, &format!("\nbetween\n\n{OUT} X b\n{OUT} F ac"));
}

#[test]
fn pieces_of_docker_are_joined_by_the_line_break_that_they_lack() {
    let line = |text: &str, stream: &str| format!(r#"{{"log":"{text}","stream":"{stream}","time":"t"}}"#);
    let text = [
        line(r"{\u0022a", "stdout"),
        line(r"b\\\\n", "stdout"),
        line(r"E\n", "stderr"),
        line(r"c}\n", "stdout"),
        line(r"d\n", "stdout"),
    ];
    let expected = ["", "", &text[2], &line(r"{\u0022ab\\\\nc}\n", "stdout"), &text[4]];
    check(&(text.join("\n") + "\n"), &(expected.join("\n") + "\n"));
}

#[test]
fn a_line_that_a_terminal_wrapped_is_joined() {
    let head = "2026-01-15T10:00:00.000000+00:00 kube-apiserver-audit-0f";
    let text = format!(
        "{head} {{\"a\":\"}}\n {{\",\"b\":[1\n,2]}}\n{head} {{\"c\":1}}\n{head} {{\"d\n{head} I0115 text\nrest\n"
    );
    check(
        &text,
        &format!(
            "\n\n{head} {{\"a\":\"}} {{\",\"b\":[1,2]}}\n{head} {{\"c\":1}}\n{head} {{\"d\n{head} I0115 text\nrest\n"
        ),
    );
}

#[test]
fn other_logs_are_not_joined() {
    for text in
        ["{\"auditID\":\"1\"}\n", "I0115 10:00:00.000000 1 a.go:1] x\n", "2026-01-15T10:00:00Z stdin F x\n", "\n"]
    {
        assert_eq!(cutter(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn a_line_without_end_is_not_held() {
    let text = format!("{OUT} F a\n{OUT} P {}\n{OUT} F b\n", "x".repeat(limits::LINE_BYTES_MAX + (1 << 20)));
    let mut reader = JoinReader::new(text.as_bytes(), Cutter::Cri);
    let mut out = Vec::new();
    reader.read_to_end(&mut out).unwrap();
    assert!(out == text.as_bytes(), "it is given out as it is");
    assert!(reader.line.capacity() <= limits::LINE_BYTES_MAX * 2 + BLOCK_BYTES);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_loss_of_lines(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "2026-01-15T10:00:00.1Z stdout P ", "2026-01-15T10:00:00.1Z stderr F ", "{\"log\":\"", "\",\"stream\":\"stdout\",\"time\":1}",
            "2026-01-15T10:00:00.1Z kube-apiserver-audit-1 {", "\\", "\"", "}", "\n", "a", "\n",
        ]), 0..60),
        step in 1_usize..50,
    ) {
        let text = pieces.concat();
        for cutter in [Cutter::Cri, Cutter::Docker, Cutter::Tail] {
            let mut out = Vec::new();
            JoinReader::new(Steps(text.as_bytes(), step), cutter).read_to_end(&mut out).unwrap();
            let lines = |text: &[u8]| memchr::memchr_iter(b'\n', text).count();
            let (before, after) = (lines(text.as_bytes()), lines(&out));
            // what is left over at the end may need a line of its own, and lacks its line break
            prop_assert!((before.saturating_sub(1)..=before + 2).contains(&after), "{before} lines became {after}");
            if cutter != Cutter::Docker {
                let letters = |text: &[u8]| memchr::memchr_iter(b'a', text).count();
                prop_assert!(letters(&out) >= letters(text.as_bytes()) - text.matches("audit").count());
            }
        }
    }
}
