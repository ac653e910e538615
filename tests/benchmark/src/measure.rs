//! Runs cases alternately in short rounds, so that a slow moment of the machine affects all cases.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::Pin;
use std::time::{Duration, Instant};

type Serving = Pin<Box<dyn Future<Output = ()>>>;

/// One kind of request, served by one contestant.
pub struct Case {
    pub contestant: &'static str,
    pub kind: Kind,
    /// The contestant that is the same framework without sessions.
    pub base: &'static str,
    serve: Box<dyn FnMut(u32) -> Serving>,
    rounds: Vec<f64>,
    allocations: u64,
    pub is_waiting: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Untouched,
    Read,
    Write,
    Create,
    Rotate,
    Views,
    Wide,
    Large,
    Expiry,
    /// Requests by 32 parallel clients.
    Parallel,
}

impl Kind {
    pub const ALL: [Self; 10] = [
        Self::Untouched,
        Self::Read,
        Self::Write,
        Self::Create,
        Self::Rotate,
        Self::Views,
        Self::Wide,
        Self::Large,
        Self::Expiry,
        Self::Parallel,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::Read => "read",
            Self::Write => "read + write",
            Self::Create => "new session",
            Self::Rotate => "new id",
            Self::Views => "two views",
            Self::Wide => "1 of 20 fields",
            Self::Large => "4 KB, write",
            Self::Expiry => "fields expire",
            Self::Parallel => "32 at once, write",
        }
    }
}

/// The cost of a case: nanoseconds and allocations per request.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub median: f64,
    /// Half of the rounds lie within this of the median.
    pub spread: f64,
    pub allocations: u64,
}

impl Case {
    /// A case whose `serve` answers the given number of requests.
    pub fn new<F, S>(contestant: &'static str, base: &'static str, kind: Kind, mut serve: S) -> Self
    where
        S: FnMut(u32) -> F + 'static,
        F: Future<Output = ()> + 'static,
    {
        Self {
            contestant,
            kind,
            base,
            serve: Box::new(move |requests| Box::pin(serve(requests))),
            rounds: Vec::new(),
            allocations: 0,
            is_waiting: false,
        }
    }

    /// Marks a case that waits for servers. Its elapsed time is measured. For all other cases the processor time is
    /// measured, which excludes time spent in other processes.
    pub fn waiting(mut self) -> Self {
        self.is_waiting = true;
        self
    }

    pub fn is_meant_by(&self, words: &[String]) -> bool {
        let name = format!("{} {}", self.contestant, self.kind.name());
        words.iter().all(|word| name.contains(word.as_str()))
    }

    async fn round(&mut self, requests: u32) -> f64 {
        let (start, spent) = (Instant::now(), processor_time(Processor::OfProcess));
        (self.serve)(requests).await;
        let time = if self.is_waiting {
            start.elapsed()
        } else {
            processor_time(Processor::OfProcess) - spent
        };
        time.as_nanos() as f64 / f64::from(requests)
    }

    /// Callgrind counts the instructions in this function.
    #[inline(never)]
    pub async fn serve(&mut self, requests: u32) {
        (self.serve)(requests).await;
    }

    fn cost(&mut self) -> Cost {
        self.rounds.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let last = self.rounds.len().saturating_sub(1) as f64;
            self.rounds
                .get((last * part) as usize)
                .copied()
                .unwrap_or(0.0)
        };
        Cost {
            median: at(0.5),
            spread: (at(0.75) - at(0.25)) / 2.0,
            allocations: self.allocations,
        }
    }
}

/// Allocates a few blocks of each size that requests allocate. While the blocks are held, the allocations of a request
/// get other addresses in each round. With fixed addresses, the time of the same code varies by up to a fifth.
fn blocks_in_the_way() -> Vec<Vec<u8>> {
    let random = RandomState::new();
    let number = |size: &usize| random.hash_one(size) % 8;
    let sizes = (16..=1_040).step_by(16);
    let blocks = sizes.flat_map(|size| (0..number(&size)).map(move |_| Vec::with_capacity(size)));
    blocks.collect()
}

/// Runs all cases in turns.
pub async fn run(cases: &mut [Case], rounds: u32, requests: u32) -> Vec<Cost> {
    for case in &mut *cases {
        case.round(200).await;
        let before = ALLOCATIONS.get();
        case.round(100).await;
        // The round itself allocates once, for its future.
        case.allocations = (ALLOCATIONS.get() - before - 1) / 100;
    }
    for _ in 0..rounds {
        for case in &mut *cases {
            let _held = blocks_in_the_way();
            // A server takes a hundred times as long, so it gets fewer requests. 32 clients need a multiple of 32.
            let waiting = (requests / 5).next_multiple_of(32);
            let requests = if case.is_waiting { waiting } else { requests };
            let cost = case.round(requests).await;
            case.rounds.push(cost);
        }
    }
    cases.iter_mut().map(Case::cost).collect()
}

/// The scope of a processor time.
#[derive(Clone, Copy, Debug)]
pub enum Processor {
    OfThread,
    OfProcess,
}

/// The processor time of this thread or process.
pub fn processor_time(whose: Processor) -> Duration {
    let clock = match whose {
        Processor::OfThread => libc::CLOCK_THREAD_CPUTIME_ID,
        Processor::OfProcess => libc::CLOCK_PROCESS_CPUTIME_ID,
    };
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes to the one pointer that it is given.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}

/// Counts the allocations of each thread.
pub struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<i64> = const { Cell::new(0) };
}

/// The bytes that this thread has allocated and not freed.
pub fn bytes_held() -> i64 {
    HELD.get()
}

// SAFETY: passes every call on, as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        HELD.set(HELD.get() + layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - layout.size() as i64);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        HELD.set(HELD.get() + size as i64 - layout.size() as i64);
        unsafe { System.realloc(pointer, layout, size) }
    }
}
