//! Long messages on their way to a console, made shorter: an LZ4 block with its length before it, as a binary message.
//!
//! A busy server's events are much alike. Packed once for all consoles, they cost its network a fifth, and a bad line
//! carries a snapshot in a fifth of the time.

use super::MOST_FROM_SERVER;

/// Bytes below which packing is not worth its trouble.
const SHORT: usize = 1024;

/// A message as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packed {
    Text(String),
    Binary(Vec<u8>),
}

/// A binary message that is none of this protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotPacked(String);

/// Makes a long message shorter, and leaves a short one as it is.
pub fn pack(text: String) -> Packed {
    if text.len() < SHORT {
        return Packed::Text(text);
    }
    Packed::Binary(lz4_flex::block::compress_prepend_size(text.as_bytes()))
}

/// The text of a packed message. The length it claims is believed only as far as a message may be long.
pub fn unpack(packed: &[u8]) -> Result<String, NotPacked> {
    let wrong = |problem: &dyn std::fmt::Display| NotPacked(format!("a packed message that cannot be read: {problem}"));
    let (length, block) = lz4_flex::block::uncompressed_size(packed).map_err(|error| wrong(&error))?;
    if length > MOST_FROM_SERVER {
        return Err(wrong(&format_args!("it says it is {length} bytes long")));
    }
    let bytes = lz4_flex::block::decompress(block, length).map_err(|error| wrong(&error))?;
    String::from_utf8(bytes).map_err(|error| wrong(&error))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unpacked(packed: Packed) -> String {
        match packed {
            Packed::Text(text) => text,
            Packed::Binary(bytes) => unpack(&bytes).unwrap(),
        }
    }

    #[test]
    fn what_is_alike_becomes_much_shorter() {
        let events: String = (0..100)
            .map(|seq| format!("{{\"seq\":{seq},\"stream\":\"run:0193a5c2\",\"by\":\"system\",\"event\":{{}}}},"))
            .collect();
        let Packed::Binary(packed) = pack(events.clone()) else { panic!("it is long") };
        assert!(packed.len() * 4 < events.len(), "{} of {}", packed.len(), events.len());
        assert_eq!(unpack(&packed).unwrap(), events);
    }

    #[test]
    fn a_bomb_is_not_set_off() {
        let mut bomb = u32::MAX.to_le_bytes().to_vec();
        bomb.extend([0xff; 64]);
        assert!(unpack(&bomb).unwrap_err().to_string().contains("4294967295 bytes"));
        assert!(unpack(&[]).is_err() && unpack(&[1, 0, 0]).is_err());
    }

    proptest! {
        #[test]
        fn any_text_survives(text in "\\PC{0,3000}") {
            prop_assert_eq!(unpacked(pack(text.clone())), text);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), length in 0u32..100_000) {
            let mut packed = length.to_le_bytes().to_vec();
            packed.extend(bytes);
            let _ = unpack(&packed);
        }
    }
}
