// Package audit holds what the agent has counted against the journal: it counts from the journal what each sender should have got,
// and says whether the sender's ledger comes to the same.
package audit
