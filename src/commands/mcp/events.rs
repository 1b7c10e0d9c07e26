//! Server-sent events (HTML Living Standard, 9.2), as they arrive.

use std::io::{self, BufRead};

/// One event with data.
#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    /// Its data; the lines of several `data` fields with LF between them.
    pub data: Vec<u8>,
    /// The id that was last told, by which a broken stream is taken up again.
    pub id: Option<String>,
}

/// The events of a stream. One that is longer than `longest` bytes ends it with an error.
pub struct Events<R> {
    from: R,
    longest: usize,
    id: Option<String>,
    /// The last line ended with CR, so that an LF belongs to it.
    was_cr: bool,
    is_at_start: bool,
}

impl<R: BufRead> Events<R> {
    /// Reads from `from`.
    pub fn new(from: R, longest: usize) -> Self {
        Self { from, longest, id: None, was_cr: false, is_at_start: true }
    }

    /// The id that was last told.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The next line without its end, whatever that is; `None` at the end, where a line that has none is dropped.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        loop {
            let buffer = match self.from.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                return Ok(None);
            }
            if std::mem::take(&mut self.was_cr) && buffer[0] == b'\n' {
                self.from.consume(1);
                continue;
            }
            let end = buffer.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            line.extend_from_slice(&buffer[..end.unwrap_or(buffer.len())]);
            if line.len() > self.longest {
                return Err(io::Error::other("an event is too long"));
            }
            match end {
                Some(at) => {
                    self.was_cr = buffer[at] == b'\r';
                    self.from.consume(at + 1);
                    return Ok(Some(line));
                }
                None => {
                    let length = buffer.len();
                    self.from.consume(length);
                }
            }
        }
    }

    fn event(&mut self) -> io::Result<Option<Event>> {
        let mut data: Option<Vec<u8>> = None;
        while let Some(mut line) = self.line()? {
            if std::mem::take(&mut self.is_at_start)
                && let Some(rest) = line.strip_prefix(b"\xef\xbb\xbf")
            {
                line = rest.to_vec();
            }
            if line.is_empty() {
                match data.take() {
                    Some(data) => return Ok(Some(Event { data, id: self.id.clone() })),
                    None => continue,
                }
            }
            let (field, value) = match line.iter().position(|byte| *byte == b':') {
                Some(at) => (&line[..at], line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..])),
                None => (&line[..], &[][..]),
            };
            match field {
                b"data" => match &mut data {
                    Some(data) => {
                        data.push(b'\n');
                        data.extend_from_slice(value);
                        if data.len() > self.longest {
                            return Err(io::Error::other("an event is too long"));
                        }
                    }
                    None => data = Some(value.to_vec()),
                },
                // It goes into a header.
                b"id" if value.iter().all(|byte| (0x21..=0x7e).contains(byte)) => {
                    self.id = Some(String::from_utf8_lossy(value).into_owned()).filter(|id| !id.is_empty());
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Events<R> {
    type Item = io::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        self.event().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(text: &[u8], piece: usize) -> Vec<(String, Option<String>)> {
        let from = io::BufReader::with_capacity(piece, text);
        let events = Events::new(from, 100).map_while(Result::ok);
        events.map(|event| (String::from_utf8_lossy(&event.data).into_owned(), event.id)).collect()
    }

    #[test]
    fn lines_end_in_three_ways_and_ids_stay_until_the_next() {
        let text = b"\xef\xbb\xbf: hello\n\nid: 1\ndata: a\n\ndata:b\r\ndata:  c\r\n\r\nid\rdata\r\revent: x\nretry: 3\n\ndata: cut";
        let wanted =
            [("a".to_owned(), Some("1".to_owned())), ("b\n c".to_owned(), Some("1".to_owned())), (String::new(), None)];
        for piece in [1, 2, 3, 100] {
            assert_eq!(events(text, piece), wanted, "in pieces of {piece}");
        }
    }

    #[test]
    fn what_has_no_end_is_not_kept() {
        let mut all = Events::new(&[b'x'; 200][..], 100);
        assert!(all.next().unwrap().is_err());
        let many = b"data: 0123456789\n".repeat(20);
        assert!(Events::new(&many[..], 100).next().unwrap().is_err());
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(text in "((data|id|event)?:? ?[a-z]{0,4}(\r\n|\n|\r))*", piece in 1usize..9) {
            prop_assert_eq!(events(text.as_bytes(), piece), events(text.as_bytes(), 4096));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for event in Events::new(&bytes[..], 50).map_while(Result::ok) {
                prop_assert!(event.data.len() <= 50);
            }
        }
    }
}
