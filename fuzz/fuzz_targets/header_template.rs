//! A header with blanks, as synced.json holds it, and a path on an environment's host: whatever the text, no panic; what is read is one
//! line that says nothing else, and a server's id stays one segment of a path.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scalekit_auth::catalogue::Authentication;
use scalekit_auth::service::McpServer;

fuzz_target!(|text: &str| {
    if let Some(read) = Authentication::parse(text) {
        for header in read.headers() {
            assert!(header.is_valid());
            let line = header.sketch();
            assert!(line.bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
            assert!(line.starts_with(&format!("{}: ", header.name)));
        }
    }
    if let Some(server) = McpServer::at(text) {
        assert!(text.starts_with("/mcp/"));
        let resource = server.resource();
        assert_eq!(resource.matches('/').count(), 1);
        assert!(!resource.contains(['.', '?', '#', '\\']));
    }
});
