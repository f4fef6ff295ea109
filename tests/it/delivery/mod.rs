//! A message on its way out: the vendor that misbehaves, the process that dies, the debtor who says stop, two
//! workers at once, the hours, numbers that change hands or move, texts that are read late, and what waits.

mod confirmation;
mod faults;
mod hours;
mod killed;
mod late_texts;
mod moved;
mod numbers;
mod opt_out;
mod order;
mod queue;
mod races;
