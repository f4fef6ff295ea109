//! A message on its way out: the vendor that misbehaves, the process that dies, the debtor who says stop, two
//! workers at once, and the hours.

mod faults;
mod hours;
mod killed;
mod opt_out;
mod races;
