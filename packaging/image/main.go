// Image packs a directory into a container image: one layer, without a base. It needs no daemon, and the same directory
// always gives the same bytes.
//
//	image -root DIR -created SECONDS [-version V] [-revision R] [-arch A] -output FILE
//
// The file is an OCI image layout in a tar archive that has docker's manifest.json beside it, so that podman, skopeo and
// containerd read it as the one and every docker as the other.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"
)

func main() {
	var o options
	flag.StringVar(&o.root, "root", "", "the `directory` that becomes the image's root")
	flag.StringVar(&o.output, "output", "", "the `file` to write")
	flag.StringVar(&o.version, "version", "devel", "the version, which is also the tag")
	flag.StringVar(&o.revision, "revision", "", "the commit")
	flag.StringVar(&o.arch, "arch", runtime.GOARCH, "the architecture, by Go's name")
	seconds := flag.Int64("created", 0, "the time of the image and of all its files, in seconds since 1970")
	flag.Parse()
	o.created = time.Unix(*seconds, 0).UTC()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

type options struct {
	root, output, version, revision, arch string
	created                               time.Time
}

// user is who the program runs as: nobody in particular, but not root. It is a number, as there need not be a name for it.
const user = 65532

func run(o options) error {
	packed, unpacked, err := layer(o.root, o.created)
	if err != nil {
		return fmt.Errorf("packing %s: %w", o.root, err)
	}
	files, err := layout(o, packed, unpacked)
	if err != nil {
		return err
	}
	out, err := os.Create(o.output)
	if err != nil {
		return err
	}
	if err := write(out, files, o.created); err != nil {
		_ = out.Close() // the first error is the one to tell
		return fmt.Errorf("writing %s: %w", o.output, err)
	}
	return out.Close()
}

// file is one file of the archive.
type file struct {
	name string
	data []byte
}

const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
	blobs        = "blobs/sha256/"
)

type object map[string]any

// layout returns the files of an image whose only layer is packed; unpacked is the digest of that before compression.
func layout(o options, packed []byte, unpacked string) ([]file, error) {
	tag := "journalpump:" + o.version
	labels := object{
		"org.opencontainers.image.title":    "journalpump",
		"org.opencontainers.image.version":  o.version,
		"org.opencontainers.image.revision": o.revision,
		"org.opencontainers.image.licenses": "Apache-2.0",
	}
	config, err := json.Marshal(object{
		"architecture": o.arch,
		"os":           "linux",
		"created":      o.created.Format(time.RFC3339),
		"config": object{
			"User":       fmt.Sprintf("%d:%[1]d", user),
			"Entrypoint": []string{"/usr/bin/journalpump"},
			"Cmd":        []string{"run", "/etc/journalpump/journalpump.json"},
			"WorkingDir": stateDirectory,
			"Volumes":    object{stateDirectory: object{}},
			"StopSignal": "SIGTERM",
			"Labels":     labels,
		},
		"rootfs":  object{"type": "layers", "diff_ids": []string{unpacked}},
		"history": []object{{"created": o.created.Format(time.RFC3339), "created_by": "journalpump"}},
	})
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal(object{
		"schemaVersion": 2,
		"mediaType":     typeManifest,
		"config":        descriptor(typeConfig, config),
		"layers":        []object{descriptor(typeLayer, packed)},
		"annotations":   labels,
	})
	if err != nil {
		return nil, err
	}
	entry := descriptor(typeManifest, manifest)
	entry["platform"] = object{"architecture": o.arch, "os": "linux"}
	entry["annotations"] = object{"org.opencontainers.image.ref.name": o.version, "io.containerd.image.name": tag}
	index, err := json.Marshal(object{"schemaVersion": 2, "mediaType": typeIndex, "manifests": []object{entry}})
	if err != nil {
		return nil, err
	}
	docker, err := json.Marshal([]object{{
		"Config": blobs + digest(config), "RepoTags": []string{tag}, "Layers": []string{blobs + digest(packed)},
	}})
	if err != nil {
		return nil, err
	}
	return []file{
		{"oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)},
		{"index.json", index},
		{"manifest.json", docker},
		{blobs + digest(manifest), manifest},
		{blobs + digest(config), config},
		{blobs + digest(packed), packed},
	}, nil
}

func descriptor(mediaType string, data []byte) object {
	return object{"mediaType": mediaType, "digest": "sha256:" + digest(data), "size": len(data)}
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
