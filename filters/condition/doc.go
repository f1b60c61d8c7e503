// Package condition says which entries fulfil named conditions: units, identifiers, transports, message IDs, priorities,
// patterns on fields and expressions, alone or together.
//
// What a condition asks of one field is a test, and so is an expression on one field, or a part of one that "and" joins to others.
// Whether a FIELD=value passes them all is found out once a field of a pump.Dict and remembered beside it; what the fields of an entry
// decide together is remembered, too, by an automaton that reads them one after the other (automaton.go, plan.go). Only what is left
// open costs something (settle.go): a pattern on a field that only this entry has, such as its MESSAGE, and expressions on several
// fields. Per entry nothing is allocated, but for expressions on fields that only this entry has.
//
// Conditions see entries as the log has them, before redaction, and names of fields as the journal has them: _UID, which
// journald vouches for, is not the UID that anybody can send.
package condition
