// Command myapp stands for a program of one's own: it answers every request
// with one line.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
)

func main() {
	listen := flag.String("listen", ":8090", "address to listen on")
	flag.Parse()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "myapp, built once and the same everywhere")
	})
	log.Fatal(http.ListenAndServe(*listen, nil))
}
