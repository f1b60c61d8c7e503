// Package condition says which entries fulfil named conditions: units, identifiers, transports, message IDs, priorities,
// patterns on fields and expressions, alone or together.
//
// What a condition asks of one field is a test, and whether a FIELD=value passes it is found out once a field of a pump.Dict
// and remembered as bits beside it. For an entry those bits are put together; which conditions they decide, and which
// they leave open, is remembered too. Only what is left open costs something: a pattern on a field that only this entry has,
// such as its MESSAGE, and expressions on several fields. Per entry nothing is allocated, but for expressions on fields
// that only this entry has.
//
// Conditions see entries as the log has them, before redaction, and names of fields as the journal has them: _UID, which
// journald vouches for, is not the UID that anybody can send.
package condition
