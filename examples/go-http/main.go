// A web server that says where it runs, and counts its visitors in a file, so that a volume keeps them.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// counter is a number in a file.
type counter struct {
	mutex sync.Mutex
	path  string
}

// next adds one and says the new number. The old file stays whole until the new one is on the disk.
func (c *counter) next() (int, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	count := 0
	switch data, err := os.ReadFile(c.path); {
	case err == nil:
		if count, err = strconv.Atoi(strings.TrimSpace(string(data))); err != nil {
			return 0, err
		}
	case !os.IsNotExist(err):
		return 0, err
	}
	count++
	file, err := os.Create(c.path + ".new")
	if err != nil {
		return 0, err
	}
	if _, err = fmt.Fprintln(file, count); err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(c.path+".new", c.path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(c.path))
	}
	return count, err
}

// syncFolder has the new name on the disk, too.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

func main() {
	folder := "/data"
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	visits := &counter{path: filepath.Join(folder, "visits")}
	greeting := os.Getenv("GREETING")
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s from Go on %s/%s\n", greeting, runtime.GOOS, runtime.GOARCH)
	})
	http.HandleFunc("/visits", func(w http.ResponseWriter, r *http.Request) {
		count, err := visits.next()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, count)
	})
	log.Print("listening on :8080")
	log.Fatal(http.ListenAndServe(":8080", nil))
}
