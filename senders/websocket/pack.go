package websocket

import (
	"github.com/klauspost/compress/s2"

	"journalpump/pump"
)

// packer makes messages of records. It uses its memory again.
type packer struct {
	limit  int  // bytes in a message, before compression; 0: one record each
	snappy bool // python-snappy's compress: the block format

	plain  []byte
	packed []byte
}

// pack calls send with each message. It stops at the first error.
func (p *packer) pack(records []pump.Record, send func(message []byte) error) error {
	p.plain = p.plain[:0]
	for i := range records {
		body := records[i].Body
		if i > 0 {
			if p.limit == 0 || len(p.plain)+1+len(body) > p.limit {
				if err := p.flush(send); err != nil {
					return err
				}
			} else {
				p.plain = append(p.plain, 0)
			}
		}
		p.plain = append(p.plain, body...)
	}
	return p.flush(send)
}

func (p *packer) flush(send func(message []byte) error) error {
	message := p.plain
	if p.snappy {
		p.packed = s2.EncodeSnappy(p.packed[:cap(p.packed)], p.plain)
		message = p.packed
	}
	p.plain = p.plain[:0]
	return send(message)
}
