// What a service asks of its kernel: many connections, large files, clock, entropy, names.
package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	folder := os.Args[1]
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s/%s\n", runtime.GOOS, runtime.GOARCH)
	})
	http.HandleFunc("/clock", func(w http.ResponseWriter, r *http.Request) {
		before := time.Now()
		time.Sleep(100 * time.Millisecond)
		fmt.Fprintf(w, "%d %d\n", time.Now().Unix(), time.Since(before).Milliseconds())
	})
	http.HandleFunc("/random", func(w http.ResponseWriter, r *http.Request) {
		bytes := make([]byte, 32)
		if _, err := rand.Read(bytes); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, hex.EncodeToString(bytes))
	})
	http.HandleFunc("/resolve", func(w http.ResponseWriter, r *http.Request) {
		found, err := net.LookupHost(r.URL.Query().Get("name"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		fmt.Fprintln(w, strings.Join(found, " "))
	})
	// PUT keeps a body in a file and says its SHA-256; GET reads it back.
	http.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		path := filepath.Join(folder, "file")
		if r.Method == http.MethodGet {
			http.ServeFile(w, r, path)
			return
		}
		file, err := os.Create(path)
		digest := sha256.New()
		if err == nil {
			_, err = io.Copy(io.MultiWriter(file, digest), r.Body)
		}
		if err == nil {
			err = file.Sync()
		}
		if err == nil {
			err = file.Close()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, hex.EncodeToString(digest.Sum(nil)))
	})
	log.Print("listening on :8080")
	log.Fatal(http.ListenAndServe(":8080", nil))
}
