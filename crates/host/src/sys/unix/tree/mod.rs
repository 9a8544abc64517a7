//! What belongs to a run beside its leader, and killing all of it.
//!
//! *While the leader is our child*, the kernel gives us everything that outlives it: we are a
//! subreaper (prctl(2)), so whoever loses its parent anywhere below us becomes our child. Our programs
//! are spawned by other threads, so the list of the *main thread's* children holds the orphans and
//! nothing else, and a run that left nothing costs one look at that list, whatever else is running. (After an exec
//! in place the main thread has them all; [`Reaper::expect`] tells it whom not to look at.)
//!
//! *A leader that was taken over from an earlier monitor* has another parent, and so have its
//! orphans. For these runs all processes are looked at ([`snapshot`]).
//!
//! Which of the found belong to the run is a question of proof ([`evidence`]); all descendants of
//! those do. A process of which nothing proves it is never signalled. (A cgroup per run, where one can be
//! made, would answer the same questions; it would take the place of [`Reaper::members`].)

mod descend;
mod evidence;
mod kill;
mod snapshot;

pub use crate::sys::terms::{KillOutcome, TreeQuery};
pub(crate) use descend::with_descendants;

use crate::process::identity::Identity;
use crate::sys::process::handle::Process;
use crate::sys::process::stat::{self, Stat};
use crate::sys::process::{children, environment, orphans};
use evidence::Evidence;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use snapshot::Snapshots;
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long is waited for one that is in the middle of its end, before the next look.
const EXIT_TIME: Duration = Duration::from_millis(1);

impl TreeQuery<'_> {
    /// Whether we are the ones to whom its orphans fall.
    fn is_ours(&self) -> bool {
        self.process.is_some_and(Process::is_child)
    }
}

/// The one to whom orphans fall, and who kills trees. One per monitor; may be shared by threads.
pub struct Reaper {
    children_are_listed: bool,
    /// The run ids in environments, by process: an environment is read once.
    markers: Mutex<HashMap<Identity, Option<String>>>,
    snapshots: Snapshots,
    /// Children of the main thread that are no orphans ([`Reaper::expect`]).
    expected: Mutex<HashSet<u32>>,
    /// Held while the list of orphans is read and while one is reaped: the kernel's list may leave one out when
    /// another goes meanwhile, and orphans go only by being reaped.
    reading_or_reaping: Mutex<()>,
}

/// What fell to us, at one look.
#[derive(Default)]
struct Orphans {
    /// Those that were still there, dead or alive.
    present: Vec<Stat>,
    /// Those of the list that were dead or gone when they were looked at.
    ended: HashSet<u32>,
}

impl Orphans {
    /// Whether nothing has fallen to us, which is how most programs end: then nothing needs to be proved.
    fn is_nobody(&self) -> bool {
        self.present.is_empty() && self.ended.is_empty()
    }
}

/// Who of a run was found among the orphans, and who ended meanwhile: what such a one has left may have fallen to us
/// after the list was read.
#[derive(Default)]
struct Look {
    /// The leader and the proven members, alive.
    seeds: Vec<Stat>,
    /// Orphans that were dead or gone.
    ended: HashSet<u32>,
    /// Whether another one is in the middle of its end.
    exiting: bool,
}

impl Look {
    /// Whether nobody can have been missed; `earlier` had ended before the list was read.
    fn is_settled(&self, earlier: &HashSet<u32>) -> bool {
        !self.exiting && self.ended.is_subset(earlier)
    }
}

impl Reaper {
    /// Makes this process the one to whom the orphans among its descendants fall. Before the first spawn;
    /// and no program may be spawned by the main thread.
    ///
    /// # Errors
    /// Before Linux 3.4.
    pub fn become_subreaper() -> io::Result<Self> {
        orphans::fall_to_us()?;
        Ok(Self {
            children_are_listed: children::are_listed(),
            markers: Mutex::default(),
            snapshots: Snapshots::default(),
            expected: Mutex::default(),
            reading_or_reaping: Mutex::default(),
        })
    }

    /// Says that `pid` is a child of the main thread, but no orphan: the leader of a run that an earlier image of this
    /// process has spawned. After an exec all children hang on the main thread; so those who are no orphans need not
    /// be looked at one by one, each time, until [`Reaper::reaped`].
    pub fn expect(&self, pid: u32) {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner).insert(pid);
    }

    /// Says that `pid` was reaped: its number may be given to an orphan from now on.
    pub fn reaped(&self, pid: u32) {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid);
    }

    /// The live members of the run's tree, except its leader. After the death of a leader: what it left.
    /// Ask when its exit is known ([`Process::try_exit`]): a run that left nothing then costs O(1).
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn leftover(&self, query: &TreeQuery<'_>) -> io::Result<Vec<Identity>> {
        let members = self.members(query)?;
        Ok(members.into_iter().filter(|member| *member != query.leader).collect())
    }

    /// Whether something may be left after the exit of a leader that is our child: one look, which waits for nobody. When others
    /// have just ended, the answer is yes, and [`Reaper::leftover`] finds out.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn may_have_left(&self, query: &TreeQuery<'_>) -> io::Result<bool> {
        if !query.is_ours() || !self.children_are_listed {
            return Ok(true);
        }
        let orphans = self.orphans()?;
        let nobody = orphans.is_nobody() || {
            let look = self.look(query, &Evidence::gather(query)?, orphans)?;
            look.seeds.is_empty() && look.is_settled(&HashSet::new())
        };
        Ok(!nobody || !self.is_surely_empty(query)?)
    }

    /// Takes hold of `pid` if that is a live member of the run's tree and of our own user: what a program says
    /// of itself is not believed without that.
    ///
    /// # Errors
    /// When `/proc` cannot be read, or there is no descriptor left.
    pub fn vouch(&self, query: &TreeQuery<'_>, pid: u32) -> io::Result<Option<Process>> {
        let member = self.members(query)?.into_iter().find(|member| member.pid == pid);
        match member.filter(|member| environment::is_of_our_user(member.pid)) {
            Some(member) => Process::adopt(&member),
            None => Ok(None),
        }
    }

    /// Reaps the orphans that have ended, and says how many. `managed` tells of a process whether it
    /// was spawned: those are left to [`Process::try_exit`]. Call it on SIGCHLD.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn reap_orphans(&self, managed: impl Fn(&Identity) -> bool) -> io::Result<usize> {
        let orphans = self.orphans()?.present;
        let ended = orphans.iter().filter(|orphan| orphan.is_dead() && !managed(&orphan.identity()));
        Ok(ended.filter(|orphan| self.reap(orphan)).count())
    }

    /// The live members of the tree.
    fn members(&self, query: &TreeQuery<'_>) -> io::Result<Vec<Identity>> {
        let evidence = Evidence::gather(query)?;
        let mut family = Vec::new();
        if query.is_ours() && self.children_are_listed {
            family = self.family_below_us(query, &evidence)?;
        }
        if family.is_empty() && !self.is_surely_empty(query)? {
            family = self.family_anywhere(&evidence)?;
        }
        Ok(family.iter().filter(|member| !member.is_dead()).map(Stat::identity).collect())
    }

    /// For a leader that is our child: it and the proven orphans, with their descendants. Nobody is found only when
    /// nobody has ended since the last look: a program that makes itself a daemon forks and ends, once or twice, and
    /// what it goes on as falls to us just then.
    fn family_below_us(&self, query: &TreeQuery<'_>, evidence: &Evidence<'_>) -> io::Result<Vec<Stat>> {
        let mut earlier = HashSet::new();
        loop {
            let look = self.look(query, evidence, self.orphans()?)?;
            if !look.seeds.is_empty() || look.is_settled(&earlier) {
                return descend::with_descendants(look.seeds);
            }
            if look.exiting {
                std::thread::sleep(EXIT_TIME);
            }
            earlier = look.ended;
        }
    }

    /// One look at the leader and the orphans; the dead of the run are reaped.
    fn look(&self, query: &TreeQuery<'_>, evidence: &Evidence<'_>, orphans: Orphans) -> io::Result<Look> {
        let leader = stat::read(query.leader.pid)?.filter(|stat| stat.identity() == query.leader);
        let seeds = leader.into_iter().filter(|leader| !leader.is_dead()).collect();
        let mut look = Look { seeds, ended: orphans.ended, exiting: false };
        for orphan in orphans.present.iter().filter(|orphan| orphan.identity() != query.leader) {
            if !evidence.proves(orphan, || self.marker(orphan)) {
                self.look_again(orphan, &mut look)?;
            } else if !orphan.is_dead() {
                look.seeds.push(*orphan);
            } else if query.main != Some(orphan.identity()) {
                // It would keep its group from being seen to be empty. (How `main` ended, its holder asks.)
                self.reap(orphan);
            }
        }
        Ok(look)
    }

    /// Notes an orphan that shows nothing because it has ended, or is about to.
    fn look_again(&self, unproven: &Stat, look: &mut Look) -> io::Result<()> {
        if unproven.is_dead() || self.marker(unproven).is_some() {
            return Ok(());
        }
        match stat::read(unproven.pid)?.filter(|now| now.identity() == unproven.identity()) {
            Some(now) if now.is_exiting() => look.exiting = true,
            Some(now) if !now.is_dead() => {}
            _ => {
                look.ended.insert(unproven.pid);
            }
        }
        Ok(())
    }

    /// Whether nothing can be left although a list of children may have missed someone (see
    /// [`children`]): nobody is in the leader's group.
    fn is_surely_empty(&self, query: &TreeQuery<'_>) -> io::Result<bool> {
        match query.process {
            Some(leader) if leader.is_child() && self.children_are_listed => leader.is_group_empty(),
            _ => Ok(false),
        }
    }

    fn family_anywhere(&self, evidence: &Evidence<'_>) -> io::Result<Vec<Stat>> {
        let snapshot = self.snapshots.fresh()?;
        let live = snapshot.processes.iter().filter(|stat| !stat.is_dead());
        let seeds = live.filter(|stat| evidence.proves(stat, || self.marker(stat))).copied().collect();
        let me = std::process::id();
        let mut family = snapshot.with_descendants(seeds)?;
        // Were we ourselves started from within the run, we would go on, and so would what we run.
        family.retain(|stat| stat.pid != me);
        self.forget_all_but(&snapshot.processes);
        Ok(family)
    }

    /// What fell to us, dead ones included.
    fn orphans(&self) -> io::Result<Orphans> {
        if !orphans::FALL_TO_US {
            return Ok(Orphans::default());
        }
        let me = std::process::id();
        if !self.children_are_listed {
            let snapshot = self.snapshots.fresh()?;
            let present = snapshot.processes.iter().filter(|stat| stat.ppid == me).copied().collect();
            return Ok(Orphans { present, ..Orphans::default() });
        }
        let mut orphans = Orphans::default();
        for pid in self.listed()? {
            let found = stat::read(pid)?.filter(|stat| stat.ppid == me);
            if found.is_none_or(|stat| stat.is_dead()) {
                orphans.ended.insert(pid);
            }
            orphans.present.extend(found);
        }
        Ok(orphans)
    }

    /// The main thread's children, except those that are no orphans.
    fn listed(&self) -> io::Result<Vec<u32>> {
        let me = std::process::id();
        let mut children = {
            let _nobody_goes = self.reading_or_reaping.lock().unwrap_or_else(PoisonError::into_inner);
            children::of_thread(me, me)?
        };
        let expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        children.retain(|pid| !expected.contains(pid));
        Ok(children)
    }

    /// Reaps a dead orphan; `false` when it was not there to reap.
    fn reap(&self, dead: &Stat) -> bool {
        let _nobody_reads = self.reading_or_reaping.lock().unwrap_or_else(PoisonError::into_inner);
        reap(dead)
    }

    /// Forgets the markers of processes that are gone.
    fn forget_all_but(&self, processes: &[Stat]) {
        let present: HashSet<Identity> = processes.iter().map(Stat::identity).collect();
        let mut markers = self.markers.lock().unwrap_or_else(PoisonError::into_inner);
        markers.retain(|identity, _| present.contains(identity));
    }

    /// The run id in the environment of `stat`, read at most once per process.
    fn marker(&self, stat: &Stat) -> Option<String> {
        let markers = || self.markers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = markers().get(&stat.identity()) {
            return known.clone();
        }
        // A zombie shows no environment any more, which is not the same as having had no marker.
        let found = evidence::marker(stat.pid);
        if !stat.is_dead() {
            markers().insert(stat.identity(), found.clone());
        }
        found
    }
}

/// Reaps a dead child; `false` when it was not there to reap.
fn reap(dead: &Stat) -> bool {
    let Some(pid) = i32::try_from(dead.pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return false;
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    // ECHILD: another thread was faster.
    matches!(rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), options)), Ok(Some(_)))
}
