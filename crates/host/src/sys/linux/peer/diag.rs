//! Asking the kernel about one connection (sock_diag(7)): exact, and in a time that does not grow with the number of
//! connections. One request of a fixed form and one answer, which is why no netlink crate is needed.

use super::is_held;
use rustix::io::Errno;
use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::OnceLock;

/// `SOCK_DIAG_BY_FAMILY` of linux/sock_diag.h: the type of the request, and of its answer.
const BY_FAMILY: u16 = 20;

/// `NLM_F_REQUEST` of netlink(7).
const REQUEST: u16 = 1;

/// Sizes of `nlmsghdr`, of a request (`inet_diag_req_v2`) and of an answer (`inet_diag_msg`).
const HEADER: usize = 16;
const ASKED: usize = 56;
const TOLD: usize = 72;

/// Whether the kernel answers: it may lack the module, or a sandbox may forbid it, and then says the same as of a
/// connection that does not exist. So it is asked once about one that does.
pub(super) fn works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    *WORKS.get_or_init(|| {
        let works = about_ourselves().unwrap_or_default();
        if !works {
            tracing::debug!(
                "the kernel does not tell about single connections; /proc/net/tcp is read instead"
            );
        }
        works
    })
}

fn about_ourselves() -> std::io::Result<bool> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    Ok(owner_of(client.local_addr()?, client.peer_addr()?) == Some(crate::peer::own_user()))
}

/// See [`super::owner_of`].
pub(super) fn owner_of(peer: SocketAddr, ours: SocketAddr) -> Option<u32> {
    let connection = Connection::new(peer, ours)?;
    match ask(&connection) {
        Ok(answer) => owner_in(&answer, &connection),
        Err(errno) => {
            tracing::debug!("cannot ask the kernel whose connection {peer} is: {errno}");
            None
        }
    }
}

/// The ends of a connection as `inet_diag_sockid` has them, seen from the peer; it begins with both ports.
struct Connection {
    family: AddressFamily,
    ends: [u8; 36],
    interface: u32,
}

impl Connection {
    /// `None`: two ends that cannot belong together.
    fn new(peer: SocketAddr, ours: SocketAddr) -> Option<Self> {
        let (family, source, destination) = match (peer.ip().to_canonical(), ours.ip().to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (AddressFamily::INET, padded(a.octets()), padded(b.octets())),
            (IpAddr::V6(a), IpAddr::V6(b)) => (AddressFamily::INET6, a.octets(), b.octets()),
            _ => return None,
        };
        let mut ends = [0; 36];
        put(&mut ends, 0, &peer.port().to_be_bytes());
        put(&mut ends, 2, &ours.port().to_be_bytes());
        put(&mut ends, 4, &source);
        put(&mut ends, 20, &destination);
        let interface = match peer {
            SocketAddr::V6(peer) => peer.scope_id(),
            SocketAddr::V4(_) => 0,
        };
        Some(Self { family, ends, interface })
    }

    fn request(&self) -> [u8; HEADER + ASKED] {
        let mut request = [0; HEADER + ASKED];
        put(&mut request, 0, &u32::try_from(HEADER + ASKED).unwrap_or_default().to_ne_bytes());
        put(&mut request, 4, &BY_FAMILY.to_ne_bytes());
        put(&mut request, 6, &REQUEST.to_ne_bytes());
        let family = u8::try_from(self.family.as_raw()).unwrap_or_default();
        let protocol = u8::try_from(libc::IPPROTO_TCP).unwrap_or_default();
        put(&mut request, HEADER, &[family, protocol]);
        // In any state; that is looked at in the answer.
        put(&mut request, HEADER + 4, &u32::MAX.to_ne_bytes());
        put(&mut request, HEADER + 8, &self.ends);
        put(&mut request, HEADER + 44, &self.interface.to_ne_bytes());
        // No cookie: INET_DIAG_NOCOOKIE.
        put(&mut request, HEADER + 48, &[0xff; 8]);
        request
    }
}

fn padded(v4: [u8; 4]) -> [u8; 16] {
    let mut address = [0; 16];
    put(&mut address, 0, &v4);
    address
}

/// Copies `part` to `at`; what would not fit is left out.
fn put(into: &mut [u8], at: usize, part: &[u8]) {
    if let Some(place) = into.get_mut(at..at + part.len()) {
        place.copy_from_slice(part);
    }
}

fn ask(connection: &Connection) -> Result<Vec<u8>, Errno> {
    let socket =
        socket_with(AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC, Some(SOCK_DIAG))?;
    sendto(&socket, &connection.request(), SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = vec![0; 1024];
    // It is there when the request has been sent: the kernel answers within it.
    let (length, _) = recv(&socket, &mut answer, RecvFlags::DONTWAIT)?;
    answer.truncate(length);
    Ok(answer)
}

/// The user in an answer, if that is about `connection` and somebody holds it. The kernel answers about a listener when
/// there is no such connection, and with an error (another type) when there is neither.
fn owner_in(answer: &[u8], connection: &Connection) -> Option<u32> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let told = answer.get(HEADER..HEADER + TOLD).filter(|_| kind == BY_FAMILY)?;
    let number = |at: usize| Some(u32::from_ne_bytes(told.get(at..at + 4)?.try_into().ok()?));
    let is_the_one = told.get(4..40)? == connection.ends && is_held(*told.get(1)?);
    let (user, inode) = (number(64)?, number(68)?);
    (is_the_one && inode != 0).then_some(user)
}
