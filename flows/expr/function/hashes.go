package function

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // offered as a checksum, under the name people know
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"

	"github.com/flowrun/flowrun/runtime/flow"
)

var hashes = []Function{
	{
		Name: "sha256", Group: groupHashes, Params: params(textOrBytes("value")), Returns: flow.OfText,
		Call1: func(v flow.Value) (flow.Value, error) {
			sum := sha256.Sum256(octets(v))
			return hexOf(sum[:]), nil
		},
		Doc:      "the SHA-256 hash of the string or bytes, in lower-case hexadecimal digits",
		Examples: []Example{{`sha256("a")`, `"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"`}},
	},
	{
		Name: "sha1", Group: groupHashes, Params: params(textOrBytes("value")), Returns: flow.OfText,
		Call1: func(v flow.Value) (flow.Value, error) {
			sum := sha1.Sum(octets(v)) //nolint:gosec // as above
			return hexOf(sum[:]), nil
		},
		Doc:      "the SHA-1 hash of the string or bytes, in lower-case hexadecimal digits",
		Examples: []Example{{`sha1("a")`, `"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"`}},
	},
	{
		Name: "md5", Group: groupHashes, Params: params(textOrBytes("value")), Returns: flow.OfText,
		Call1: func(v flow.Value) (flow.Value, error) {
			sum := md5.Sum(octets(v)) //nolint:gosec // as above
			return hexOf(sum[:]), nil
		},
		Doc:      "the MD5 hash of the string or bytes, in lower-case hexadecimal digits",
		Examples: []Example{{`md5("a")`, `"0cc175b9c0f1b6a831c399e269772661"`}},
	},
	{
		Name: "hmac_sha256", Group: groupHashes, Params: params(textOrBytes("key"), textOrBytes("value")), Returns: flow.OfText,
		Call2: func(key, v flow.Value) (flow.Value, error) {
			h := hmac.New(sha256.New, octets(key))
			h.Write(octets(v))
			return hexOf(h.Sum(nil)), nil
		},
		Doc:      "the HMAC of the string or bytes by SHA-256 with the key, in lower-case hexadecimal digits",
		Examples: []Example{{`hmac_sha256("key", "a")`, `"780c3db4ce3de5b9e55816fba98f590631d96c075271b26976238d5f4444219b"`}},
	},
	{
		Name: "crc32", Group: groupHashes, Params: params(textOrBytes("value")), Returns: flow.OfText,
		Call1: func(v flow.Value) (flow.Value, error) {
			return hexOf(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(octets(v)))), nil
		},
		Doc:      "the CRC-32 checksum (IEEE) of the string or bytes, in eight lower-case hexadecimal digits",
		Examples: []Example{{`crc32("a")`, `"e8b7be43"`}},
	},
	{
		Name: "uuid", Group: groupHashes, Returns: flow.OfText, Volatile: true, Call: uuid,
		Doc:      "a new random UUID (version 4)",
		Examples: []Example{{`length(uuid())`, `36`}},
	},
}

func hexOf(sum []byte) flow.Value { return flow.TextOf(hex.EncodeToString(sum)) }

func uuid([]flow.Value) (flow.Value, error) {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never an error
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	s := make([]byte, 0, 36)
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			s = append(s, '-')
		}
		s = hex.AppendEncode(s, part)
	}
	return flow.TextOf(string(s)), nil
}
