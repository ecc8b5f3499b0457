package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Numbered is which chain is wanted: the same number gives the same faults.
type Numbered struct{ Number uint64 }

// Chain is what a server would send, who is trusted, and what Go's TLS client says of it.
type Chain struct {
	Certificates [][]byte
	Roots        [][]byte
	Host         string
	Now          int64
	Text         string // empty where the server is trusted
}

func makeChain(asked Numbered) (Chain, error) {
	rng = rand.New(rand.NewPCG(asked.Number, 0))
	chain := Chain{Host: "gw.example.com", Now: now.Unix()}
	if chance(12) {
		chain.Host = pick(hosts...)
	}
	var roots []*authority
	for range 1 + rng.IntN(2) {
		roots = append(roots, issue(nil, pick("Lab Root CA", "Acme Root", "", "R\"o\\ot é"), pick(keys()...)))
	}
	issuer := pick(roots...)
	for depth := pick(0, 0, 1, 1, 1, 2, 2, 3); depth > 0; depth-- {
		name := string(rune('A'-1+depth)) + " Intermediate"
		next := issue(issuer, name, pick(keys()...))
		sent := []*authority{next}
		if chance(20) { // Cross-signed: the same name and key, another issuer.
			sent = append(sent, issue(pick(roots...), name, next.key))
		}
		if chance(15) { // The same name, another key.
			sent = append(sent, issue(issuer, name, pick(keys()...)))
		}
		for _, one := range sent {
			if !chance(8) { // Else it is missing.
				chain.Certificates = append(chain.Certificates, one.der)
			}
			if chance(4) {
				chain.Roots = append(chain.Roots, one.der)
			}
		}
		issuer = next
	}
	if chance(30) {
		chain.Certificates = append(chain.Certificates, pick(roots...).der)
	}
	rng.Shuffle(len(chain.Certificates), func(i, j int) {
		certificates := chain.Certificates
		certificates[i], certificates[j] = certificates[j], certificates[i]
	})
	leaf := leaf(issuer)
	chain.Certificates = append([][]byte{leaf}, chain.Certificates...)
	if chance(5) { // A certificate of an authority first, in the place of the server's own.
		last := len(chain.Certificates) - 1
		chain.Certificates[0], chain.Certificates[last] = chain.Certificates[last], chain.Certificates[0]
	}
	for _, root := range roots {
		if !chance(7) {
			chain.Roots = append(chain.Roots, root.der)
		}
		if chance(15) { // Another certificate of it, with faults of its own.
			chain.Roots = append(chain.Roots, issue(nil, root.cn, root.key).der)
		}
		if chance(10) { // Another authority of its name.
			chain.Roots = append(chain.Roots, issue(nil, root.cn, pick(keys()...)).der)
		}
	}
	if chance(4) {
		chain.Roots = append(chain.Roots, leaf)
	}
	if chance(4) { // A byte is another one.
		der := pick(chain.Certificates...)
		der[rng.IntN(len(der))] ^= 1 << rng.IntN(8)
	}
	chain.Text = judge(chain)
	return chain, nil
}

// judge is what verifyServerCertificate of crypto/tls does.
func judge(chain Chain) string {
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	for _, der := range chain.Roots {
		if root, err := x509.ParseCertificate(der); err == nil {
			roots.AddCert(root)
		}
	}
	var leaf *x509.Certificate
	for i, der := range chain.Certificates {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return "tls: failed to parse certificate from server: " + err.Error()
		}
		if i == 0 {
			leaf = certificate
		} else {
			intermediates.AddCert(certificate)
		}
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, DNSName: chain.Host, CurrentTime: time.Unix(chain.Now, 0).UTC(),
	})
	if err != nil {
		return "tls: failed to verify certificate: " + err.Error()
	}
	return ""
}

// authority is who can sign: a name and a key, and a certificate for both.
type authority struct {
	cn   string
	name asn1.RawValue
	key  crypto.Signer
	id   []byte
	der  []byte
}

// issue returns an authority that issuer vouches for, or that vouches for itself, with a fault now and then.
func issue(issuer *authority, cn string, key crypto.Signer) *authority {
	made := &authority{cn: cn, name: named(cn), key: key, id: keyID(key)}
	var extensions []pkix.Extension
	if !chance(5) {
		limit := -1
		if chance(15) {
			limit = rng.IntN(3)
		}
		extensions = append(extensions, constraints(!chance(5), limit))
	}
	if chance(70) {
		extensions = append(extensions, usage(pick(byte(0x06), 0x06, 0x06, 0x06, 0x06, 0x06, 0x80, 0x00)))
	}
	switch {
	case chance(15):
		made.id = []byte{1, 2, 3}
	case chance(20):
		made.id = nil
	}
	if chance(8) {
		extensions = append(extensions, extendedUsage(pick(purposes...)...))
	}
	if chance(15) {
		extensions = append(extensions, nameConstraints())
	}
	if chance(3) {
		extensions = append(extensions, pkix.Extension{Id: unknown, Critical: chance(50), Value: []byte{5, 0}})
	}
	made.der = certificate(issuer, made, extensions)
	return made
}

// leaf returns a server's certificate.
func leaf(issuer *authority) []byte {
	subject := &authority{name: named(pick("gw.example.com", "localhost", "x", "*.example.com")), key: pick(keys()...)}
	if chance(50) {
		subject.id = keyID(subject.key)
	}
	if chance(6) {
		issuer = nil
	}
	var extensions []pkix.Extension
	if !chance(7) {
		extensions = append(extensions, names())
	}
	if chance(30) {
		extensions = append(extensions, constraints(chance(30), pick(-1, -1, 0)))
	}
	if chance(50) {
		extensions = append(extensions, usage(pick(byte(0x80), 0xa0, 0x06)))
	}
	if chance(60) {
		extensions = append(extensions, extendedUsage(pick(purposes...)...))
	}
	if chance(3) {
		extensions = append(extensions, pkix.Extension{Id: unknown, Critical: chance(50), Value: []byte{5, 0}})
	}
	return certificate(issuer, subject, extensions)
}

// certificate signs; what crypto/x509 would refuse to make is made here.
func certificate(issuer, subject *authority, extensions []pkix.Extension) []byte {
	if issuer == nil {
		issuer = subject
	}
	if subject.id != nil {
		extensions = append(extensions, pkix.Extension{Id: subjectKeyID, Value: encoded(subject.id)})
	}
	if issuer.id != nil && chance(80) {
		id := struct {
			ID []byte `asn1:"tag:0"`
		}{issuer.id}
		extensions = append(extensions, pkix.Extension{Id: authorityKeyID, Value: encoded(id)})
	}
	rng.Shuffle(len(extensions), func(i, j int) { extensions[i], extensions[j] = extensions[j], extensions[i] })

	version := 2
	if chance(5) {
		version = pick(0, 1)
		extensions = nil
	}
	algorithm, hash := algorithm(issuer.key)
	info := pkix.AlgorithmIdentifier{Algorithm: algorithm}
	if chance(1) {
		info.Algorithm = unknown
	}
	from, until := dates()
	signed := encoded(struct {
		Version    int `asn1:"optional,explicit,default:0,tag:0"`
		Serial     *big.Int
		Algorithm  pkix.AlgorithmIdentifier
		Issuer     asn1.RawValue
		Validity   struct{ From, Until time.Time }
		Subject    asn1.RawValue
		Key        asn1.RawValue
		Extensions []pkix.Extension `asn1:"optional,explicit,omitempty,tag:3"`
	}{
		version, big.NewInt(rng.Int64()), info, issuer.name, struct{ From, Until time.Time }{from, until}, subject.name,
		asn1.RawValue{FullBytes: publicKey(subject.key)}, extensions,
	})
	digest := signed
	if hash != 0 {
		sum := hash.New()
		sum.Write(signed)
		digest = sum.Sum(nil)
	}
	signature, err := issuer.key.Sign(nil, digest, hash) // Without chance, so the same each time.
	if err != nil {
		panic(err)
	}
	if chance(2) {
		signature[len(signature)-1] ^= 1
	}
	return encoded(struct {
		Signed    asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: signed}, info, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
}

// dates are mostly around now, sometimes not, sometimes by a second.
func dates() (from, until time.Time) {
	from, until = now.AddDate(0, 0, -10-rng.IntN(1000)), now.AddDate(0, 0, 10+rng.IntN(20000))
	switch rng.IntN(50) {
	case 0, 1:
		until = now.AddDate(0, 0, -1)
	case 2:
		from = now.AddDate(0, 0, 1)
	case 3:
		from, until = now, now
	case 4:
		from = now.Add(time.Second)
	case 5:
		until = now.Add(-time.Second)
	}
	return from, until
}

func named(cn string) asn1.RawValue {
	name := pkix.Name{CommonName: cn}
	if chance(30) {
		name.Organization = []string{pick("Acme Inc", "Corp")}
	}
	return asn1.RawValue{FullBytes: encoded(name.ToRDNSequence())}
}

// names are the alternative names of a server.
func names() pkix.Extension {
	all := []asn1.RawValue{
		dns("gw.example.com"), dns("*.example.com"), dns("example.com"), dns("*.gw.example.com"), dns("other.test"),
		dns("localhost"), dns(""), address("10.0.0.1"), address("10.1.0.1"), address("::1"),
		{Class: asn1.ClassContextSpecific, Tag: 1, Bytes: []byte("a@example.com")},
		{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte("spiffe://example.com/x")},
	}
	some := all[:2]
	if chance(20) {
		some = nil
		for range 1 + rng.IntN(4) {
			some = append(some, pick(all...))
		}
	}
	return pkix.Extension{Id: alternativeNames, Critical: chance(10), Value: encoded(some)}
}

func nameConstraints() pkix.Extension {
	type subtree struct{ Name asn1.RawValue }
	subtrees := func(all ...[]asn1.RawValue) (some []subtree) {
		for _, name := range pick(all...) {
			some = append(some, subtree{name})
		}
		return some
	}
	network := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 7, Bytes: []byte{10, 1, 0, 0, 255, 255, 0, 0}}
	value := struct {
		Permitted []subtree `asn1:"optional,omitempty,tag:0"`
		Excluded  []subtree `asn1:"optional,omitempty,tag:1"`
	}{
		subtrees(nil, []asn1.RawValue{dns("example.com")}, []asn1.RawValue{dns(".example.com")},
			[]asn1.RawValue{dns("other.test"), network}),
		subtrees(nil, nil, []asn1.RawValue{dns("gw.example.com")}, []asn1.RawValue{network}),
	}
	if value.Permitted == nil && value.Excluded == nil {
		value.Permitted = subtrees([]asn1.RawValue{dns("")})
	}
	return pkix.Extension{Id: constrainedNames, Critical: chance(50), Value: encoded(value)}
}

func dns(name string) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 2, Bytes: []byte(name)}
}

func address(text string) asn1.RawValue {
	ip := net.ParseIP(text)
	if v4 := ip.To4(); v4 != nil {
		ip = v4
	}
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 7, Bytes: ip}
}

func constraints(isCA bool, limit int) pkix.Extension {
	value := struct {
		IsCA  bool `asn1:"optional"`
		Limit int  `asn1:"optional,default:-1"`
	}{isCA, limit}
	return pkix.Extension{Id: basicConstraints, Critical: true, Value: encoded(value)}
}

func usage(bits byte) pkix.Extension {
	value := asn1.BitString{Bytes: []byte{bits}, BitLength: 8}
	return pkix.Extension{Id: keyUsage, Critical: true, Value: encoded(value)}
}

func extendedUsage(purposes ...asn1.ObjectIdentifier) pkix.Extension {
	return pkix.Extension{Id: extendedKeyUsage, Value: encoded(purposes)}
}

func algorithm(key crypto.Signer) (asn1.ObjectIdentifier, crypto.Hash) {
	switch key.(type) {
	case ed25519.PrivateKey:
		return asn1.ObjectIdentifier{1, 3, 101, 112}, 0
	case *rsa.PrivateKey:
		if chance(10) {
			return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 5}, crypto.SHA1
		}
		return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, crypto.SHA256
	}
	switch rng.IntN(20) {
	case 0:
		return asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 1}, crypto.SHA1
	case 1, 2:
		return asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, crypto.SHA384
	}
	return asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, crypto.SHA256
}

func keyID(key crypto.Signer) []byte {
	der := publicKey(key)
	return der[len(der)-20:]
}

func publicKey(key crypto.Signer) []byte {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err)
	}
	return der
}

func encoded(value any) []byte {
	der, err := asn1.Marshal(value)
	if err != nil {
		panic(err)
	}
	return der
}

func chance(percent int) bool { return rng.IntN(100) < percent }

func pick[T any](all ...T) T { return all[rng.IntN(len(all))] }

// keys returns keys of every kind: the same ones each time, but for RSA's, on which nothing that is compared depends.
var keys = sync.OnceValue(func() (keys []crypto.Signer) {
	seeds := rand.NewChaCha8([32]byte{})
	seed := func(length int) []byte {
		bytes := make([]byte, length)
		seeds.Read(bytes)
		bytes[0] = 0 // Below the order of every curve.
		return bytes
	}
	made := func(key crypto.Signer, err error) {
		if err != nil {
			panic(err)
		}
		keys = append(keys, key)
	}
	for range 5 {
		made(ecdsa.ParseRawPrivateKey(elliptic.P256(), seed(32)))
		made(ecdsa.ParseRawPrivateKey(elliptic.P256(), seed(32)))
		made(ecdsa.ParseRawPrivateKey(elliptic.P384(), seed(48)))
		made(ed25519.NewKeyFromSeed(seed(32)), nil)
	}
	made(rsa.GenerateKey(nil, 2048))
	return keys
})

var (
	rng *rand.Rand
	now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

	hosts = []string{
		"a.gw.example.com", "example.com", "GW.EXAMPLE.COM", "gw.example.com.", "10.0.0.1", "[10.0.0.1]", "10.1.0.1", "::1", "other.test", "localhost",
		"*.example.com", "a b.com",
	}

	basicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	keyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	extendedKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}
	subjectKeyID     = asn1.ObjectIdentifier{2, 5, 29, 14}
	authorityKeyID   = asn1.ObjectIdentifier{2, 5, 29, 35}
	alternativeNames = asn1.ObjectIdentifier{2, 5, 29, 17}
	constrainedNames = asn1.ObjectIdentifier{2, 5, 29, 30}
	unknown          = asn1.ObjectIdentifier{1, 2, 3, 4, 5, 6}

	serverAuth = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	clientAuth = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
	anyPurpose = asn1.ObjectIdentifier{2, 5, 29, 37, 0}
	purposes   = [][]asn1.ObjectIdentifier{
		{serverAuth}, {serverAuth}, {serverAuth, clientAuth}, {clientAuth}, {anyPurpose}, {unknown}, {unknown, serverAuth},
	}
)
