//! Listening on TCP, and the addresses that this machine has.

use crate::sys::tcp;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};

/// How many connections may wait to be taken.
const BACKLOG: i32 = 1024;

/// How much the kernel keeps of what a client has not read yet. Without this it grows to some megabytes for each
/// client that is slow (tcp(7), tcp_wmem).
const SEND_BUFFER: usize = 128 << 10;

/// Listens on `address`, without blocking. An IPv6 address takes no connections of IPv4, so that both families
/// can be listened on side by side. What waits to be read by a client that is slow is bounded.
///
/// # Errors
/// As of socket(2), bind(2) and listen(2).
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    tcp::claim(&socket)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Whether [`listen`] failed because this machine has no such address, or none of its family.
pub fn has_no_such_address(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(tcp::NO_SUCH_FAMILY)
}

/// The addresses of this machine, loopback included; without those that mean something only together with an
/// interface (IPv6 link-local).
///
/// # Errors
/// As of getifaddrs(3).
pub fn own_addresses() -> io::Result<Vec<IpAddr>> {
    let scoped = |ip: &IpAddr| matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    let interfaces = if_addrs::get_if_addrs()?;
    Ok(interfaces.iter().map(if_addrs::Interface::ip).filter(|ip| !scoped(ip)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn both_families_of_one_port() {
        let v4 = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = v4.local_addr().unwrap().port();
        let all = listen(SocketAddr::new("::".parse().unwrap(), port));
        assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
        if let Ok(_all) = all {
            assert!(TcpStream::connect(("::1", port)).is_ok());
        }
        let again = listen(SocketAddr::new("127.0.0.1".parse().unwrap(), port)).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AddrInUse);
        drop(v4);
        listen(SocketAddr::new("127.0.0.1".parse().unwrap(), port)).unwrap();
    }

    #[test]
    fn an_address_of_somebody_else() {
        let error = listen("192.0.2.1:0".parse().unwrap()).unwrap_err();
        assert!(has_no_such_address(&error), "{error}");
    }

    #[test]
    fn this_machine_has_loopback() {
        if crate::emulated::left_out(
            "it does not tell the addresses of this machine together with their networks",
        ) {
            return;
        }
        assert!(own_addresses().unwrap().contains(&"127.0.0.1".parse().unwrap()));
    }
}
