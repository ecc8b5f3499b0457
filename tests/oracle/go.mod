module github.com/hoophq/hoop-doctor/tests/oracle

go 1.26.0

require (
	go.uber.org/zap v1.28.0
	golang.org/x/net v0.57.0
	google.golang.org/grpc v1.83.0
)

require (
	go.uber.org/multierr v1.10.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.40.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260526163538-3dc84a4a5aaa // indirect
	google.golang.org/protobuf v1.36.11 // indirect
)
