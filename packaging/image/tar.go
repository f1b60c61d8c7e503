package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	stateDirectory = "/var/lib/journalpump"
	// certificates is where Go looks for the certificate authorities to trust. Those of this machine would do, but then the
	// image would depend on the machine; these are Mozilla's, of the day that go.mod says.
	certificates = "etc/ssl/certs/ca-certificates.crt"
)

// layer packs the directory and returns it compressed, and the digest of what was compressed.
func layer(root string, created time.Time) (packed []byte, unpacked string, err error) {
	var plain, compressed bytes.Buffer
	w := tar.NewWriter(&plain)
	if err := addTree(w, root, created); err != nil {
		return nil, "", err
	}
	if err := addCertificates(w, created); err != nil {
		return nil, "", err
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	unpacked = "sha256:" + digest(plain.Bytes())
	z, err := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	if err != nil {
		return nil, "", err
	}
	if _, err := plain.WriteTo(z); err != nil {
		return nil, "", err
	}
	if err := z.Close(); err != nil {
		return nil, "", err
	}
	return compressed.Bytes(), unpacked, nil
}

// addTree adds what is in root, in the order of the names. Everything is root's but the state directory.
func addTree(w *tar.Writer, root string, created time.Time) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		header, err := tar.FileInfoHeader(info, "")
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		clean := tar.Header{
			Typeflag: header.Typeflag, Name: filepath.ToSlash(name), Size: header.Size, ModTime: created,
			Mode: 0o644, // not what this machine's umask made of it
		}
		switch {
		case d.IsDir():
			clean.Name += "/"
			clean.Mode = 0o755
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is neither a file nor a directory", path)
		case info.Mode()&0o100 != 0:
			clean.Mode = 0o755
		}
		if "/"+name == stateDirectory {
			clean.Uid, clean.Gid, clean.Mode = user, user, 0o750
		}
		if err := w.WriteHeader(&clean); err != nil || d.IsDir() {
			return err
		}
		return copyFile(w, path)
	})
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// addCertificates adds the authorities that are trusted for everything. Those that Mozilla trusts with conditions, which
// a file can't express, are left out.
func addCertificates(w *tar.Writer, created time.Time) error {
	var text bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		c, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			return fmt.Errorf("an authority's certificate: %w", err)
		}
		fmt.Fprintf(&text, "# %s\n", c.Subject)
		if err := pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return err
		}
	}
	for _, name := range []string{"etc/ssl/", "etc/ssl/certs/"} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755, ModTime: created}); err != nil {
			return err
		}
	}
	return add(w, file{certificates, text.Bytes()}, created)
}

// write writes the files as a tar archive.
func write(out io.Writer, files []file, created time.Time) error {
	w := tar.NewWriter(out)
	for _, f := range files {
		if err := add(w, f, created); err != nil {
			return err
		}
	}
	return w.Close()
}

func add(w *tar.Writer, f file, created time.Time) error {
	header := tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: 0o644, Size: int64(len(f.data)), ModTime: created}
	if err := w.WriteHeader(&header); err != nil {
		return err
	}
	_, err := w.Write(f.data)
	return err
}
