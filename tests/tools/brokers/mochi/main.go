// A Mochi broker for the tests: one plain listener on 127.0.0.1, everybody may do everything, sessions and queues in
// a folder of Badger, the store that the module recommends (that of Bolt forgets packet ids). SIGTERM ends it cleanly.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/hooks/storage/badger"
	"github.com/mochi-mqtt/server/v2/listeners"
)

func main() {
	port := flag.Int("port", 1883, "port of 127.0.0.1")
	folder := flag.String("folder", "", "where sessions are kept")
	inflight := flag.Int("inflight", 0, "unacknowledged messages kept for a client; 0: Mochi's own 8192")
	pending := flag.Int("pending", 0, "messages that wait to be written to a client; 0: Mochi's own 8192")
	packet := flag.Int("packet", 0, "largest packet in bytes; 0: any")
	flag.Parse()
	able := mqtt.NewDefaultServerCapabilities()
	if *inflight > 0 {
		able.MaximumInflight = uint16(*inflight)
	}
	if *pending > 0 {
		able.MaximumClientWritesPending = int32(*pending)
	}
	able.MaximumPacketSize = uint32(*packet)
	server := mqtt.New(&mqtt.Options{
		Capabilities:           able,
		SysTopicResendInterval: 1,
		Logger:                 slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err := serve(server, *port, *folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	<-ended
	if err := server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(server *mqtt.Server, port int, folder string) error {
	if err := server.AddHook(new(auth.AllowHook), nil); err != nil {
		return err
	}
	if err := server.AddHook(new(badger.Hook), &badger.Options{Path: folder}); err != nil {
		return err
	}
	listener := listeners.NewTCP(listeners.Config{ID: "plain", Address: fmt.Sprintf("127.0.0.1:%d", port)})
	if err := server.AddListener(listener); err != nil {
		return err
	}
	return server.Serve()
}
