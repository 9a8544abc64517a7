//! What happened of late, for those who listen (`GET /events`). The supervising thread adds; any number of
//! readers go through it at their own pace, and one that is too slow is told that it missed something.

use super::succession::EventLog;
use process_monitor_client::api::{EventKind, ProcessEvent};
use process_monitor_core::time::Wall;
use process_monitor_host::clock;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// How many events are kept for those who come back.
const KEPT: usize = 4096;

struct Ring {
    events: VecDeque<Arc<ProcessEvent>>,
    /// The number of the next event.
    next: u64,
    closed: bool,
}

/// The events of this monitor. Clones share them.
#[derive(Clone)]
pub struct EventHub {
    /// In front of each number: events of another monitor are not taken for ours.
    epoch: Arc<str>,
    ring: Arc<Mutex<Ring>>,
    changed: watch::Sender<()>,
}

impl EventHub {
    /// No events; `started` is when this monitor was.
    pub fn new(started: Wall) -> Self {
        let epoch = format!("{:x}", started.unix_millis()).into();
        let ring = Ring { events: VecDeque::new(), next: 1, closed: false };
        Self { epoch, ring: Arc::new(Mutex::new(ring)), changed: watch::Sender::new(()) }
    }

    /// Goes on from what the monitor before left: who comes back with an id of its events misses nothing.
    pub fn resume(log: EventLog) -> Self {
        let ring = Ring { events: log.events.into(), next: log.next.max(1), closed: false };
        Self { epoch: log.epoch.into(), ring: Arc::new(Mutex::new(ring)), changed: watch::Sender::new(()) }
    }

    /// For the monitor that follows in this process.
    pub fn log(&self) -> EventLog {
        let ring = self.ring();
        EventLog {
            epoch: self.epoch.to_string(),
            next: ring.next,
            events: ring.events.iter().cloned().collect(),
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event; its id and time are made here.
    pub fn add(&self, event: ProcessEvent) {
        let mut ring = self.ring();
        let id = format!("{}-{}", self.epoch, ring.next);
        ring.next += 1;
        ring.events.push_back(Arc::new(ProcessEvent { id, at: clock::wall(), ..event }));
        if ring.events.len() > KEPT {
            ring.events.pop_front();
        }
        drop(ring);
        self.changed.send_replace(());
    }

    /// No more events will come: streams end.
    pub fn close(&self) {
        self.ring().closed = true;
        self.changed.send_replace(());
    }

    /// Returns when no more events will come.
    pub async fn closed(&self) {
        let mut changed = self.changed.subscribe();
        while !self.ring().closed && changed.changed().await.is_ok() {}
    }

    /// Listens from now on, or from after the event `last` on.
    pub fn listen(&self, last: Option<&str>) -> Listener {
        let ring = self.ring();
        let (next, missed) = match last {
            None => (ring.next, false),
            Some(last) => match self.number(last).filter(|number| *number < ring.next) {
                Some(number) => (number + 1, false),
                // Of another monitor: what this one knows comes after it.
                None => (0, true),
            },
        };
        Listener { hub: self.clone(), changed: self.changed.subscribe(), next, missed }
    }

    /// Listens from the first event on that is kept.
    pub fn listen_from_the_first(&self) -> Listener {
        self.listen(Some(&format!("{}-0", self.epoch)))
    }

    fn number(&self, id: &str) -> Option<u64> {
        id.strip_prefix(&*self.epoch)?.strip_prefix('-')?.parse().ok()
    }
}

/// One who listens.
pub struct Listener {
    hub: EventHub,
    changed: watch::Receiver<()>,
    /// The number of the event that comes next.
    next: u64,
    missed: bool,
}

impl Listener {
    /// The next event, once it has happened; `None` when no more will come.
    pub async fn next(&mut self) -> Option<Arc<ProcessEvent>> {
        loop {
            self.changed.mark_unchanged();
            if let Some(event) = self.at_hand()? {
                return Some(event);
            }
            self.changed.changed().await.ok()?;
        }
    }

    /// The next event, if it has happened; the outer `None` when no more will come.
    fn at_hand(&mut self) -> Option<Option<Arc<ProcessEvent>>> {
        let ring = self.hub.ring();
        let first = ring.next - u64::try_from(ring.events.len()).unwrap_or(ring.next);
        if self.next < first || self.missed {
            let before = self.next.max(first) - 1;
            (self.next, self.missed) = (before + 1, false);
            let id = format!("{}-{before}", self.hub.epoch);
            return Some(Some(Arc::new(ProcessEvent::new(id, clock::wall(), EventKind::Missed, None))));
        }
        let at = usize::try_from(self.next - first).ok();
        match at.and_then(|at| ring.events.get(at)) {
            Some(event) => {
                self.next += 1;
                Some(Some(Arc::clone(event)))
            }
            None if ring.closed => None,
            None => Some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub() -> EventHub {
        EventHub::new(Wall::from_unix_millis(1_000))
    }

    fn add(hub: &EventHub, text: usize) {
        let event = ProcessEvent::new(String::new(), Wall::default(), EventKind::State, None);
        hub.add(ProcessEvent { message: Some(text.to_string()), ..event });
    }

    fn hear(listener: &mut Listener) -> Vec<String> {
        let mut heard = Vec::new();
        while let Some(Some(event)) = listener.at_hand() {
            heard.push(event.message.clone().unwrap_or_else(|| event.kind.name().to_owned()));
        }
        heard
    }

    #[test]
    fn who_listens_hears_what_comes_and_who_comes_back_what_came_meanwhile() {
        let hub = hub();
        add(&hub, 1);
        let mut listener = hub.listen(None);
        assert_eq!(hear(&mut listener), [""; 0]);
        (2..5).for_each(|n| add(&hub, n));
        let last = listener.at_hand().flatten().unwrap().id.clone();
        assert_eq!(hear(&mut listener), ["3", "4"]);
        assert_eq!(hear(&mut hub.listen(Some(&last))), ["3", "4"]);
    }

    #[test]
    fn what_is_missing_is_told_once() {
        let hub = hub();
        add(&hub, 1);
        let mut slow = hub.listen(Some("3e8-1"));
        (2..KEPT + 10).for_each(|n| add(&hub, n));
        let heard = hear(&mut slow);
        assert_eq!((heard.len(), heard[0].as_str(), heard[1].as_str()), (KEPT + 1, "missed", "10"));
        // Ids of another monitor, of the future, of nobody.
        for id in ["999-5", "3e8-999999", "3e8-x", "", "3e8"] {
            let heard = hear(&mut hub.listen(Some(id)));
            assert_eq!((heard.len(), heard[0].as_str()), (KEPT + 1, "missed"), "{id:?}");
        }
    }

    #[test]
    fn who_comes_back_to_the_next_monitor_misses_nothing() {
        let hub = hub();
        (1..4).for_each(|n| add(&hub, n));
        let last = hub.listen(Some("3e8-1")).at_hand().flatten().unwrap().id.clone();
        hub.close();
        // What happens while nobody can listen is told later.
        add(&hub, 4);
        let log = serde_json::to_string(&hub.log()).unwrap();
        let next = EventHub::resume(serde_json::from_str(&log).unwrap());
        add(&next, 5);
        assert_eq!(hear(&mut next.listen(Some(&last))), ["3", "4", "5"]);
        assert_eq!(next.listen(Some(&last)).at_hand().flatten().unwrap().id, "3e8-3");
    }

    #[tokio::test]
    async fn the_end_is_told_after_the_last_event() {
        let hub = hub();
        let mut listener = hub.listen(None);
        let listening = tokio::spawn(async move {
            let first = listener.next().await.and_then(|event| event.message.clone());
            (first, listener.next().await)
        });
        tokio::task::yield_now().await;
        add(&hub, 7);
        hub.close();
        assert_eq!(listening.await.unwrap(), (Some("7".to_owned()), None));
    }
}
