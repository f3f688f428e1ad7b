// Package access says who may connect to a listener, and how many of them. It
// is asked per handshake or request, before anything is answered or upgraded.
//
// A [Config] is embedded by the configuration of a connector that listens, so
// that all of them speak the same language. [Config.New] checks it and makes a
// [Gate]. [Gate.Admit] looks at a request, cheap things first, since a stranger
// who is sent away should cost less than a guest who stays:
//
//	proxies   whose address is it really? (PROXY protocol has been read by package listen)
//	limits    is there room: in all, for this address, later for this identity?
//	origins   may a page of this site connect?
//	auth      who is it? any of the auth blocks
//
// The answer is a [Visitor], who counts until he leaves, or a [Refusal] with
// a status, a JSON body and what a log may say of it.
//
// # Credentials
//
// They are compared as digests, or by bcrypt, so that the time a comparison
// takes tells nothing; an unknown user costs what a wrong password costs (where
// bcrypt hashes differ in cost, what the dearest does). Hashes are computed by
// half of the processors at most, and a right password is remembered, by its
// digest: strangers who guess delay neither who is connected nor who comes back.
// Files
// with credentials and keys are looked at again at most once a second, and read
// when they have changed; one that cannot be used leaves the old content in
// use and is warned about. Admit removes from a request what it took for
// credentials (the Authorization header, a query parameter, a cookie, a
// sub-protocol), so that no flow shows them by accident. No message of this
// package holds any.
//
// # Keys of others
//
// The keys of a jwks_url are kept, and used for as long as the endpoint cannot
// be reached. They are fetched again in the background when they are old, and
// when a token names one that is not among them, at most once per jwks_cooldown:
// only then, and before there are any keys, does a handshake wait, for a bounded
// time.
package access
