//! A server and a client that nobody here wrote, the official Python SDK's, with the bridge between them.
