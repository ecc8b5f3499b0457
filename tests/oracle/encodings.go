package main

import (
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zapgrpc"
	"google.golang.org/grpc/grpclog"
)

// newLogger logs as agents and gateways do, in the encoding that LOG_ENCODING would name; with LOG_GRPC, so does grpc-go.
func newLogger(encoding string, level zapcore.Level, withGRPC bool) *zap.Logger {
	config := zapcore.EncoderConfig{
		LevelKey: "level", TimeKey: "timestamp", CallerKey: "logger", MessageKey: "msg", StacktraceKey: "stacktrace",
		LineEnding:     zapcore.DefaultLineEnding,
		EncodeLevel:    zapcore.LowercaseLevelEncoder,
		EncodeTime:     zapcore.TimeEncoderOfLayout(time.RFC3339),
		EncodeDuration: zapcore.SecondsDurationEncoder,
		EncodeCaller:   zapcore.ShortCallerEncoder,
	}
	encoder := zapcore.NewJSONEncoder(config)
	switch encoding {
	case "console":
		encoder = zapcore.NewConsoleEncoder(config)
	case "human", "verbose":
		encoder = forPeople{encoder, encoding == "verbose"}
	}
	stdout, _, err := zap.Open("stdout")
	if err != nil {
		panic(err)
	}
	logger := zap.New(zapcore.NewCore(encoder, stdout, level), zap.AddCaller(), zap.AddStacktrace(zap.ErrorLevel))
	if withGRPC {
		grpclog.SetLoggerV2(zapgrpc.NewLogger(logger))
	}
	return logger
}

// forPeople are the encodings human and verbose: colours, pictures, and no fields.
type forPeople struct {
	zapcore.Encoder // keeps the fields, which are lost
	verbose         bool
}

func (people forPeople) Clone() zapcore.Encoder {
	return forPeople{people.Encoder.Clone(), people.verbose}
}

func (people forPeople) EncodeEntry(entry zapcore.Entry, _ []zapcore.Field) (*buffer.Buffer, error) {
	line := pool.Get()
	if people.verbose {
		line.AppendString(entry.Time.Format("[15:04:05.000] "))
	}
	line.AppendString(pictures[entry.Level])
	line.AppendString(colours[entry.Level])
	line.AppendString(people.reworded(entry.Message))
	line.AppendString("\x1b[0m")
	if people.verbose {
		line.AppendString(" [" + entry.Caller.TrimmedPath() + "]")
	}
	line.AppendString("\n")
	return line, nil
}

// reworded is a message as these encodings have it: three of the agent's are events with words of their own. That of verbose
// always says that TLS is disabled.
func (people forPeople) reworded(message string) string {
	const noTLS = "\n           TLS: disabled"
	switch {
	case strings.Contains(message, "starting agent"):
		return people.either("🚀 "+message, "Starting Hoop Agent"+noTLS)
	case strings.Contains(message, "connecting to") && strings.Contains(message, "tls="):
		return people.either("📡 "+message, "Connecting to server..."+noTLS)
	case strings.Contains(message, "connected with success"):
		return people.either("✅ Connection established", "Connected successfully")
	}
	return message
}

func (people forPeople) either(human, verbose string) string {
	if people.verbose {
		return verbose
	}
	return human
}

var (
	pool     = buffer.NewPool()
	pictures = map[zapcore.Level]string{zap.WarnLevel: "⚠️ ", zap.ErrorLevel: "❌ ", zap.FatalLevel: "💀 "}
	colours  = map[zapcore.Level]string{
		zap.InfoLevel: "\x1b[36m", zap.WarnLevel: "\x1b[33m", zap.ErrorLevel: "\x1b[31m", zap.FatalLevel: "\x1b[31m",
	}
)
