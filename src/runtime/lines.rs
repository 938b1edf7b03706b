//! Output in lines.

use std::io::{self, Read};

/// Longer lines come in pieces.
const LONGEST: usize = 64 << 10;

/// Reads to the end, and gives each line without its end to `take`.
pub(super) fn pass_lines(mut from: impl Read, take: &dyn Fn(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; LONGEST];
    let mut filled = 0;
    loop {
        let got = match from.read(&mut buffer[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            got => got?,
        };
        if got == 0 {
            if filled > 0 {
                take(&buffer[..filled]);
            }
            return Ok(());
        }
        let end = filled + got;
        let mut start = 0;
        while let Some(length) = buffer[start..end].iter().position(|byte| *byte == b'\n') {
            take(&buffer[start..start + length]);
            start += length + 1;
        }
        filled = end - start;
        if filled == LONGEST {
            take(&buffer);
            filled = 0;
        } else {
            buffer.copy_within(start..end, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn lines_come_whole_and_long_ones_in_pieces() {
        let lines = RefCell::new(Vec::new());
        let long = vec![b'x'; LONGEST + 10];
        let text = [b"a\n\nb\r\n", &long[..], b"\nend"].concat();
        pass_lines(&text[..], &|line| lines.borrow_mut().push(line.len())).expect("memory");
        let lines = lines.into_inner();
        assert_eq!(lines[..3], [1, 0, 2]);
        assert_eq!(lines[3..lines.len() - 1].iter().sum::<usize>(), LONGEST + 10);
        assert!(lines.iter().all(|length| *length <= LONGEST));
        assert_eq!(lines.last(), Some(&3));
    }
}
