package redisstore

import (
	"crypto/fips140"
	"crypto/sha1"
	"encoding/hex"
	"strings"
	"sync"
)

// The scripts. Each has one key, so it runs on one node of a cluster. ARGV[1]
// is a random string that the reply repeats after a status. A client or proxy
// that is out of step, and hands out the reply to another command, is found out
// by that. Times are milliseconds since 1970 by the clock of the program, never
// by that of the server. Lua's numbers hold them exactly: they are far below
// 2^53.
//
// A script publishes before it writes, so that a server which forbids the one
// fails before it has done the other. Subscribers hear of it after both.
var (
	// save stores a record if the live one has the given version, and tells
	// watchers of it if ARGV[6] is their channel. It runs most often and has no
	// functions, because Lua would create them on each run.
	save = writes(`
local new = ARGV[3]
local old = redis.call('GETRANGE', KEYS[1], 0, 28)
local version = string.sub(old, 1, 8)
if version == ARGV[1] then return '+' .. ARGV[1] end -- it was sent twice
if #old == 0 or (#old == 29 and struct.unpack('>I8', old, 9) <= tonumber(ARGV[4])) then version = '\0\0\0\0\0\0\0\0' end
if version ~= ARGV[2] then return '-' .. ARGV[1] end
local owner = string.byte(new, 29)
if owner > 0 and struct.unpack('>I8', new, 17) == 0 then -- it relies on the listed of the old one
	if redis.call('GETRANGE', KEYS[1], 28, 28 + owner) ~= string.sub(new, 29, 29 + owner)
		or struct.unpack('>I8', old, 17) < struct.unpack('>I8', new, 9) then return '?' .. ARGV[1] end
	new = string.sub(new, 1, 16) .. string.sub(old, 17, 24) .. string.sub(new, 25)
end
if ARGV[6] then redis.call('PUBLISH', ARGV[6], KEYS[1]) end
redis.call('SET', KEYS[1], new, 'PX', ARGV[5])
return '+' .. ARGV[1]
`)

	// touch moves the expiry of a live record to a later time. It may move the
	// time until which the record is listed only if ARGV[5] is the owner.
	touch = writes(layout + `
local old = redis.call('GETRANGE', KEYS[1], 0, header + 254)
if #old < header then return '-' .. ARGV[1] end
local has, wanted = at(old, expires), at(ARGV[2], 1)
if has <= tonumber(ARGV[3]) or wanted <= has then return '-' .. ARGV[1] end
local times = string.sub(ARGV[2], 1, 8) .. string.sub(old, listed, listed + 7)
if ownerOf(old) ~= '' and at(old, listed) < wanted then
	if ownerOf(old) ~= ARGV[5] then return '?' .. ARGV[1] .. ownerOf(old) end
	times = ARGV[2]
end
redis.call('SETRANGE', KEYS[1], expires - 1, times)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return '+' .. ARGV[1]
`)

	// remove deletes a record and tells watchers of it.
	remove = writes(`
if redis.call('EXISTS', KEYS[1]) == 1 then
	redis.call('PUBLISH', ARGV[2], KEYS[1])
	redis.call('UNLINK', KEYS[1])
end
return '+' .. ARGV[1]
`)

	// removeOwned deletes a record if it has the owner, and tells watchers of it.
	// One that has expired does not count.
	removeOwned = writes(layout + `
local old = redis.call('GETRANGE', KEYS[1], 0, header + 254)
if ownerOf(old) ~= ARGV[2] then return '-' .. ARGV[1] end
redis.call('PUBLISH', ARGV[4], KEYS[1])
redis.call('UNLINK', KEYS[1])
return (at(old, expires) > tonumber(ARGV[3]) and '+' or '-') .. ARGV[1]
`)

	// read returns a record as GET does, but never from a client's cache, and
	// with a reply that cannot be confused with another.
	read = reads(`
local value = redis.call('GET', KEYS[1])
if not value then return '-' .. ARGV[1] end
return '+' .. ARGV[1] .. value
`)

	// enlist enters a session into an owner's index until some time at least,
	// and drops a few entries that are past theirs.
	enlist = writes(`
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[5], 'LIMIT', 0, 100)
if #old > 0 then redis.call('ZREM', KEYS[1], unpack(old)) end
redis.call('ZADD', KEYS[1], 'GT', ARGV[3], ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return '+' .. ARGV[1]
`)

	// page returns entries of an owner's index from some score on, in the order
	// of their scores: eight bytes of score, four of length, and the member.
	page = reads(`
local found = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local reply = {'+', ARGV[1]}
for i = 1, #found, 2 do
	reply[#reply + 1] = struct.pack('>I8I4', tonumber(found[i + 1]), #found[i])
	reply[#reply + 1] = found[i]
end
return table.concat(reply)
`)

	// ping finds out whether the server answers.
	ping = reads(`
redis.call('EXISTS', KEYS[1])
return '+' .. ARGV[1]
`)
)

// layout begins a script that reads the header of a record. Lua counts from
// one.
const layout = `
local expires, listed, header = 9, 17, 29
local function at(s, i) return (struct.unpack('>I8', s, i)) end
local function ownerOf(s) return #s >= header and string.sub(s, header + 1, header + string.byte(s, header)) or '' end
`

// script is one of the above, as Redis knows it.
type script struct {
	text   string
	sha1   func() string // of text, in hexadecimal: the script's name
	writes bool
}

func reads(text string) *script { return newScript(text, false) }

func writes(text string) *script { return newScript(text, true) }

func newScript(text string, writes bool) *script {
	text = strings.TrimSpace(text)
	return &script{text: text, writes: writes, sha1: sync.OnceValue(func() (name string) {
		// SHA-1 is how Redis names scripts, and protects nothing.
		fips140.WithoutEnforcement(func() {
			sum := sha1.Sum([]byte(text))
			name = hex.EncodeToString(sum[:])
		})
		return name
	})}
}
