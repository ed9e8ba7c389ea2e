package main

import (
	"encoding/json"
	"os"
	"path"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
)

// names asks Go's libraries anew about each text that is in the file.
func names(commit, file string) {
	data, err := os.ReadFile(file)
	must(err)
	var found struct {
		About      string              `json:"about"`
		Paths      map[string][]string `json:"paths"`
		Platforms  map[string]*string  `json:"platforms"`
		References map[string][]string `json:"references"`
	}
	must(json.Unmarshal(data, &found))
	found.About = "What containerd/platforms (Parse, Normalize, FormatAll), distribution/reference " +
		"(TagNameOnly and FamiliarString of ParseNormalizedNamed) and Go's package path (Clean, Join " +
		"with /w, Join with nothing) say, at the versions vendored by moby/buildkit " + commit +
		". null: an error."
	for text := range found.Paths {
		found.Paths[text] = []string{path.Clean(text), path.Join("/w", text), path.Join("", text)}
	}
	for text := range found.Platforms {
		found.Platforms[text] = nil
		if platform, err := platforms.Parse(text); err == nil {
			said := platforms.FormatAll(platforms.Normalize(platform))
			found.Platforms[text] = &said
		}
	}
	for text := range found.References {
		found.References[text] = nil
		if named, err := reference.ParseNormalizedNamed(text); err == nil {
			found.References[text] = []string{
				reference.TagNameOnly(named).String(), reference.FamiliarString(named),
			}
		}
	}
	write(file, found)
}
