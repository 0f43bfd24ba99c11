//! The service at the far end: threads, 256 KiB buffers, nothing to wait for.
//!
//! Bulk and echo port, first byte of a connection: `D` + u64 = send that many bytes; `U` + u64 =
//! take that many, then acknowledge with one byte; `E` = echo until the end. HTTP port: answers
//! every request with 1,024 bytes, keep-alive.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::child;

const BUFFER: usize = 256 * 1024;

/// Listens on two ports and reports them; runs until killed.
pub(crate) fn run() -> anyhow::Result<()> {
    let raw = TcpListener::bind("127.0.0.1:0")?;
    let http = TcpListener::bind("127.0.0.1:0")?;
    child::report(&[raw.local_addr()?.port(), http.local_addr()?.port()])?;
    thread::spawn(move || serve(&http, answer_http));
    serve(&raw, answer_raw);
    Ok(())
}

fn serve(listener: &TcpListener, answer: fn(TcpStream) -> io::Result<()>) {
    for stream in listener.incoming().flatten() {
        thread::spawn(move || {
            // A peer that went away is the normal end of a measured connection.
            let _ = stream.set_nodelay(true).and_then(|()| answer(stream));
        });
    }
}

fn answer_raw(mut stream: TcpStream) -> io::Result<()> {
    let mut operation = [0; 1];
    stream.read_exact(&mut operation)?;
    let mut buffer = vec![b'x'; BUFFER];
    match operation[0] {
        b'D' => {
            let mut left = read_length(&mut stream)?;
            while left > 0 {
                let size = left.min(BUFFER as u64) as usize;
                stream.write_all(&buffer[..size])?;
                left -= size as u64;
            }
            Ok(())
        }
        b'U' => {
            let mut left = read_length(&mut stream)?;
            while left > 0 {
                let size = left.min(BUFFER as u64) as usize;
                let read = stream.read(&mut buffer[..size])?;
                if read == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                left -= read as u64;
            }
            stream.write_all(b"k")
        }
        _ => loop {
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            stream.write_all(&buffer[..read])?;
        },
    }
}

fn read_length(stream: &mut TcpStream) -> io::Result<u64> {
    let mut length = [0; 8];
    stream.read_exact(&mut length)?;
    Ok(u64::from_be_bytes(length))
}

fn answer_http(stream: TcpStream) -> io::Result<()> {
    let mut answer =
        b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 1024\r\n\r\n"
            .to_vec();
    answer.resize(answer.len() + 1024, b'x');
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line == b"\r\n" {
            writer.write_all(&answer)?;
        }
    }
}
