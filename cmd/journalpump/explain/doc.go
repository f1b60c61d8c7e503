// Package explain answers "where is this entry, and why was it not sent?": for an entry and each sender of its reader, whether the
// sender gets it, what is changed in it or which filter leaves it out, and how that stands to what was delivered. The filters
// themselves decide; here it is only put into words.
package explain
