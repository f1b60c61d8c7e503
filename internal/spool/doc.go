// Package spool keeps records on disk until they are not needed any more: a bounded, checksummed log of append-only segment
// files.
//
// Records have consecutive numbers. A segment is a file named after the number of its first record, in hexadecimal; it is
// one frame after the other:
//
//	offset  size  what (little-endian)
//	0       4     CRC-32C of all that follows up to the end of the meta data
//	4       8     the record's number
//	12      4     length of the meta data
//	16      4     length of the body
//	20      4     CRC-32C of the body
//	24            meta data, body
//
// The meta data of all records is kept in memory, bodies are not: records are meant to be large, such as some thousand
// entries. What a crash has left half written is cut off when the spool is opened. A body that was damaged later is found
// when it is read; behind a damaged head the rest of its segment cannot be found any more.
package spool
