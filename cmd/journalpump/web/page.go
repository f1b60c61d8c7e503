package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"net/http"
)

//go:embed page.html
var pageHTML []byte

// page is the status page: one file, whose style and script run because they are ours, and nothing else does.
type page struct{ policy string }

func newPage() (*page, error) {
	style, err := hashOf(pageHTML, "style")
	if err != nil {
		return nil, err
	}
	script, err := hashOf(pageHTML, "script")
	if err != nil {
		return nil, err
	}
	return &page{"default-src 'none'; connect-src 'self'; img-src data:; style-src " + style + "; script-src " + script +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"}, nil
}

// hashOf returns the source expression of Content Security Policy that allows what the only element of that name holds.
func hashOf(html []byte, element string) (string, error) {
	_, rest, ok := bytes.Cut(html, []byte("<"+element+">"))
	inside, _, closed := bytes.Cut(rest, []byte("</"+element+">"))
	if !ok || !closed {
		return "", fmt.Errorf("the page has no <%s>", element)
	}
	sum := sha256.Sum256(inside)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'", nil
}

// ServeHTTP implements http.Handler.
func (p *page) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(pageHTML) // who has gone away gets nothing
}
