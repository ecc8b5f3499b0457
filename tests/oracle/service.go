package main

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// newServer returns a grpc-go server with Hoop's service and what Hoop's interceptors answer to strangers.
func newServer(more ...grpc.ServerOption) *grpc.Server {
	server := grpc.NewServer(append(more,
		grpc.MaxRecvMsgSize(17*1024*1024),
		grpc.ForceServerCodec(raw{}),
		grpc.UnaryInterceptor(func(ctx context.Context, in any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if info.FullMethod != "/protobuf.Transport/HealthCheck" {
				return nil, authenticate()
			}
			return next(ctx, in)
		}),
		grpc.StreamInterceptor(func(_ any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, _ grpc.StreamHandler) error {
			if len(metadata.ValueFromIncomingContext(stream.Context(), "origin")) == 0 {
				return status.Error(codes.InvalidArgument, "missing client origin")
			}
			return authenticate()
		}),
	)...)
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "protobuf.Transport",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{unary("PreConnect", nil), unary("HealthCheck", []byte("\n\x02OK"))},
		Streams: []grpc.StreamDesc{{
			StreamName: "Connect", ServerStreams: true, ClientStreams: true,
			Handler: func(any, grpc.ServerStream) error { return nil },
		}},
	}, nil)
	return server
}

// authenticate refuses everyone: no credential is good here.
func authenticate() error {
	return status.Error(codes.Unauthenticated, "invalid authentication")
}

// unary is what generated code would be: the message is read before any interceptor is asked.
func unary(name string, answer []byte) grpc.MethodDesc {
	return grpc.MethodDesc{
		MethodName: name,
		Handler: func(_ any, ctx context.Context, decode func(any) error, ask grpc.UnaryServerInterceptor) (any, error) {
			in := new([]byte)
			if err := decode(in); err != nil {
				return nil, err
			}
			info := &grpc.UnaryServerInfo{FullMethod: "/protobuf.Transport/" + name}
			return ask(ctx, in, info, func(context.Context, any) (any, error) { return &answer, nil })
		},
	}
}
