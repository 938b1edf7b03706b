//! Numbers in tar headers, read as Go's archive/tar reads them.

/// An octal number, padded with spaces and NULs; an empty field is 0.
pub(super) fn octal(field: &[u8]) -> Option<i64> {
    let padding = |byte: &u8| matches!(byte, b' ' | 0);
    let Some(start) = field.iter().position(|byte| !padding(byte)) else {
        return Some(0);
    };
    let end = field.iter().rposition(|byte| !padding(byte)).map_or(start, |last| last + 1);
    let digits = until_nul(&field[start..end]);
    // At most 12 digits: no overflow.
    digits.iter().try_fold(0_i64, |value, byte| match byte {
        b'0'..=b'7' => Some((value << 3) | i64::from(byte - b'0')),
        _ => None,
    })
}

/// An octal number or, with the first bit set, base 256: two's complement, big-endian.
pub(super) fn numeric(field: &[u8]) -> Option<i64> {
    let first = *field.first()?;
    if first & 0x80 == 0 {
        return octal(field);
    }
    let inverted = if first & 0x40 == 0 { 0 } else { 0xff };
    let mut value = 0_u64;
    for (at, byte) in field.iter().enumerate() {
        let byte = (byte ^ inverted) & if at == 0 { 0x7f } else { 0xff };
        if value >> 56 != 0 {
            return None;
        }
        value = (value << 8) | u64::from(byte);
    }
    let value = i64::try_from(value).ok()?;
    Some(if inverted == 0 { value } else { !value })
}

/// A decimal number with an optional sign.
pub(super) fn decimal(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The bytes before the first NUL, or all.
pub(super) fn until_nul(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    &field[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of Go's own tests, and some more.
    #[test]
    fn numbers_are_read_as_go_reads_them() {
        let table: &[(&[u8], Option<i64>)] = &[
            (b"", None),
            (b"\x80", Some(0)),
            (b"\x80\x00\x00", Some(0)),
            (b"\xbf", Some((1 << 6) - 1)),
            (b"\xbf\xff", Some((1 << 14) - 1)),
            (b"\xff", Some(-1)),
            (b"\xff\xff", Some(-1)),
            (b"\xc0", Some(-(1 << 6))),
            (b"\xc0\x00\x00", Some(-(1 << 22))),
            (b"\x87\x76\xa2\x22\xeb\x8a\x72\x61", Some(537_795_476_381_659_745)),
            (b"\x80\x00\x00\x00\x07\x76\xa2\x22\xeb\x8a\x72\x61", Some(537_795_476_381_659_745)),
            (b"\xf7\x76\xa2\x22\xeb\x8a\x72\x61", Some(-615_126_028_225_187_231)),
            (b"\x80\x7f\xff\xff\xff\xff\xff\xff\xff", Some(i64::MAX)),
            (b"\x80\x80\x00\x00\x00\x00\x00\x00\x00", None),
            (b"\xff\x80\x00\x00\x00\x00\x00\x00\x00", Some(i64::MIN)),
            (b"\xff\x7f\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\xf5\xec\xd1\xc7\x7e\x5f\x26\x48\x81\x9f\x8f\x9b", None),
            (b"0000000\0", Some(0)),
            (b" \x00000000\0", Some(0)),
            (b" 0000003\0", Some(3)),
            (b"00000000227\0", Some(0o227)),
            (b"032033\0 ", Some(0o32033)),
            (b"320330\0 ", Some(0o320_330)),
            (b"0000660\0 ", Some(0o660)),
            (b"\0 0000660\0 ", Some(0o660)),
            (b"01", Some(1)),
            (b"1\0x", Some(1)),
            (b"1 \0\0", Some(1)),
            (b"1 \0x", None),
            (b"0123456789abcdef", None),
            (b"0123456789\0abcdef", None),
            (b"01234567\0abcdef", Some(342_391)),
            (b"0123\x7e\x5f\x264123", None),
            (b"+1", None),
            (b"-1", None),
            (b"1 2", None),
        ];
        for (field, expected) in table {
            assert_eq!(numeric(field), *expected, "{}", field.escape_ascii());
        }
        assert_eq!(octal(b"777777777777"), Some((1 << 36) - 1));
    }

    #[test]
    fn decimals_may_have_a_sign_and_nothing_else() {
        let table: &[(&[u8], Option<i64>)] = &[
            (b"0", Some(0)),
            (b"+5", Some(5)),
            (b"-5", Some(-5)),
            (b"9223372036854775807", Some(i64::MAX)),
            (b"9223372036854775808", None),
            (b"", None),
            (b"-", None),
            (b" 1", None),
            (b"1_0", None),
            (b"\xff", None),
        ];
        for (text, expected) in table {
            assert_eq!(decimal(text), *expected, "{}", text.escape_ascii());
        }
    }
}
