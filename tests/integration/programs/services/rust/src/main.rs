use std::io::{BufRead, BufReader, Result, Write};
use std::net::{TcpListener, TcpStream};

fn answer(mut client: TcpStream) -> Result<()> {
    for line in BufReader::new(client.try_clone()?).lines() {
        if line?.is_empty() {
            break;
        }
    }
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    let body = format!("hello from Rust on {system}/{machine}\n");
    let length = body.len();
    write!(client, "HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn main() -> Result<()> {
    for client in TcpListener::bind("0.0.0.0:8080")?.incoming() {
        if let Err(error) = client.and_then(answer) {
            eprintln!("{error}");
        }
    }
    Ok(())
}
