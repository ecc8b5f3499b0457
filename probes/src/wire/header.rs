//! Header blocks (RFC 7541) and the fields that are kept of them.

use loona_hpack::Decoder;
use loona_hpack::encoder::encode_integer_into;
use serde::{Deserialize, Serialize};

use crate::wire::text::bounded;

/// How many fields of one block are kept.
const MAX_FIELDS: usize = 64;
/// How many bytes of one value are kept.
const MAX_VALUE: usize = 1024;
/// The size of the dynamic table, in octets: the default, which we never change.
const TABLE_SIZE: usize = 4096;

/// A header field; names are lower case on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The name, `:status` for instance.
    pub name: String,
    /// The value, at most 1024 characters of it.
    pub value: String,
}

/// Reads the header blocks of one connection in the order in which they came.
pub struct Reader(Decoder<'static>);

/// A block that breaks the compression state: nothing after it on the connection can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecodable;

impl Default for Reader {
    fn default() -> Self {
        let mut decoder = Decoder::new();
        decoder.set_max_allowed_table_size(TABLE_SIZE);
        Self(decoder)
    }
}

impl Reader {
    /// The fields of one block; the first 64, so that a block that repeats a large entry stays small here.
    ///
    /// # Errors
    /// [`Undecodable`] where the block breaks RFC 7541.
    pub fn read(&mut self, block: &[u8]) -> Result<Vec<Field>, Undecodable> {
        let mut fields = Vec::new();
        self.0
            .decode_with_cb(block, |name, value| {
                if fields.len() < MAX_FIELDS {
                    fields.push(Field {
                        name: bounded(&name, 128),
                        value: bounded(&value, MAX_VALUE),
                    });
                }
            })
            .map_err(|_| Undecodable)?;
        Ok(fields)
    }
}

/// Appends a field to a block as "literal without indexing" (RFC 7541, section 6.2.2), which no server's table size can break.
pub fn write(name: &str, value: &str, block: &mut Vec<u8>) {
    write_literal(0x00, name, value, block);
}

/// The same as "literal never indexed" (RFC 7541, section 6.2.3), which no proxy on the way may put into a table.
pub fn write_secret(name: &str, value: &str, block: &mut Vec<u8>) {
    write_literal(0x10, name, value, block);
}

fn write_literal(pattern: u8, name: &str, value: &str, block: &mut Vec<u8>) {
    block.push(pattern);
    for text in [name, value] {
        // Writing into a `Vec` can't fail.
        let _ = encode_integer_into(text.len(), 7, 0, block);
        block.extend_from_slice(text.as_bytes());
    }
}

/// What a made-up token consists of: five characters of base64url that Huffman coding makes four octets of, as many as it
/// makes of a real token's (6.4 bits a character).
pub(crate) const TOKEN_UNIT: &str = "db3BC";
/// [`TOKEN_UNIT`] in the code of RFC 7541, appendix B.
const TOKEN_UNIT_CODED: [u8; 4] = [0x92, 0x36, 0x6e, 0xde];
/// The flag of a string literal that is Huffman coded (RFC 7541, section 5.2).
const HUFFMAN: u8 = 0x80;

/// Appends a field with a made-up token of `units` times [`TOKEN_UNIT`], compressed as grpc-go would.
///
/// Proxies measure a header before or after it is decompressed, so the compressed length has to be true to life too.
pub(crate) fn write_token(name: &str, units: usize, block: &mut Vec<u8>) {
    block.push(0);
    // Writing into a `Vec` can't fail.
    let _ = encode_integer_into(name.len(), 7, 0, block);
    block.extend_from_slice(name.as_bytes());
    let _ = encode_integer_into(units * TOKEN_UNIT_CODED.len(), 7, HUFFMAN, block);
    block.extend(TOKEN_UNIT_CODED.iter().cycle().take(units * TOKEN_UNIT_CODED.len()));
}

/// The first value of a field.
pub fn value<'a>(fields: &'a [Field], name: &str) -> Option<&'a str> {
    fields
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case(name))
        .map(|field| field.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::{MAX_FIELDS, Reader, TOKEN_UNIT, Undecodable, value, write, write_secret, write_token};
    use loona_hpack::Decoder;
    use proptest::prelude::{prop_assert_eq, proptest};

    #[test]
    fn what_is_written_is_read_back() {
        let mut block = Vec::new();
        write(":method", "POST", &mut block);
        write("long", &"x".repeat(300), &mut block);
        write_secret("authorization", "Bearer x", &mut block);
        let fields = Reader::default().read(&block).expect("our own block");
        assert_eq!(value(&fields, ":method"), Some("POST"));
        assert_eq!(value(&fields, "authorization"), Some("Bearer x"));
        assert_eq!(value(&fields, "long").map(str::len), Some(300));
    }

    #[test]
    fn a_block_that_repeats_one_entry_stays_small() {
        // `:method: GET` of the static table, twenty thousand times.
        let fields = Reader::default().read(&[0x82; 20_000]).expect("a valid block");
        assert_eq!(fields.len(), MAX_FIELDS);
    }

    #[test]
    fn an_index_outside_the_tables_is_refused() {
        assert_eq!(Reader::default().read(&[0xff, 0x7f]), Err(Undecodable));
    }

    /// The reader of a connection keeps no more than the beginning of a value, the decoder below it has all of it.
    fn decoded(block: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut fields = Vec::new();
        Decoder::new()
            .decode_with_cb(block, |name, value| {
                fields.push((name.into_owned(), value.into_owned()))
            })
            .expect("our own block");
        fields
    }

    proptest! {
        #[test]
        fn a_made_up_token_is_read_back_whatever_its_length(units in 0_usize..3000) {
            let mut block = Vec::new();
            write("before", "1", &mut block);
            write_token("token", units, &mut block);
            write("after", "2", &mut block);
            let token = (b"token".to_vec(), TOKEN_UNIT.repeat(units).into_bytes());
            let fields = [(b"before".to_vec(), b"1".to_vec()), token, (b"after".to_vec(), b"2".to_vec())];
            prop_assert_eq!(decoded(&block), fields);
        }

        #[test]
        fn a_made_up_token_takes_as_many_octets_as_a_real_one(units in 1_usize..3000) {
            let (mut none, mut block) = (Vec::new(), Vec::new());
            write_token("token", 0, &mut none);
            write_token("token", units, &mut block);
            // RFC 7541, section 5.1: the length takes one octet below 127, and one more for each seven bits above it.
            let coded = units * 4;
            let longer = match coded {
                ..127 => 0,
                127..255 => 1,
                255..16_511 => 2,
                _ => 3,
            };
            prop_assert_eq!(block.len() - none.len(), coded + longer);
            // 6.4 bits a character.
            prop_assert_eq!(coded * 80, TOKEN_UNIT.len() * units * 64);
        }

        #[test]
        fn any_block_is_read_or_refused(blocks: Vec<Vec<u8>>) {
            let mut reader = Reader::default();
            for block in blocks {
                let _ = reader.read(&block);
            }
        }
    }
}
