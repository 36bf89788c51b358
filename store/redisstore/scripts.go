package redisstore

import "strings"

// The scripts. Each has the one key that it is called with, so that it runs on
// one node of a cluster. ARGV[1] is always a random string that the reply
// repeats after a status, so that the reply to another call is not taken for
// the answer: not by a client or a proxy that is out of step. Times are in
// milliseconds since 1970 by the clock of the program, never by that of the
// server, and as numbers of Lua they are exact: they are far below 2^53.
var (
	// save stores a record if the live one has the given version. It is the one
	// that has to be fast, and does without functions.
	save = newScript(`
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
redis.call('SET', KEYS[1], new, 'PX', ARGV[5])
return '+' .. ARGV[1]
`, false)

	// touch moves the expiry of a live record to a later time. Only if ARGV[5]
	// is the owner may ARGV[2] also move the time until which it is listed.
	touch = newScript(inRecord(`
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
`), false)

	// remove deletes a record.
	remove = newScript(`
redis.call('UNLINK', KEYS[1])
return '+' .. ARGV[1]
`, false)

	// removeOwned deletes a live record if it is the owner's.
	removeOwned = newScript(inRecord(`
local old = redis.call('GETRANGE', KEYS[1], 0, header + 254)
if #old < header or at(old, expires) <= tonumber(ARGV[3]) or ownerOf(old) ~= ARGV[2] then return '-' .. ARGV[1] end
redis.call('UNLINK', KEYS[1])
return '+' .. ARGV[1]
`), false)

	// read returns a record like GET, but never from a client's cache.
	read = newScript(`
local value = redis.call('GET', KEYS[1])
if not value then return '-' .. ARGV[1] end
return '+' .. ARGV[1] .. value
`, true)

	// enlist enters a session into an owner's index until some time at least,
	// and drops a few that are past theirs.
	enlist = newScript(`
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[5], 'LIMIT', 0, 100)
if #old > 0 then redis.call('ZREM', KEYS[1], unpack(old)) end
redis.call('ZADD', KEYS[1], 'GT', ARGV[3], ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return '+' .. ARGV[1]
`, false)

	// page returns entries of an owner's index in the order of their times,
	// those from some time on. An entry is eight bytes of time and the key.
	page = newScript(`
local found = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local reply = {'+', ARGV[1]}
for i = 1, #found, 2 do
	reply[#reply + 1] = struct.pack('>I8', tonumber(found[i + 1]))
	reply[#reply + 1] = found[i]
end
return table.concat(reply)
`, true)

	// ping finds out whether the server answers.
	ping = newScript(`
redis.call('EXISTS', KEYS[1])
return '+' .. ARGV[1]
`, true)
)

// inRecord returns a script that knows how a record is laid out. Lua counts
// from one.
func inRecord(script string) string {
	return strings.TrimSpace(`
local expires, listed, header = 9, 17, 29
local function at(s, i) return (struct.unpack('>I8', s, i)) end
local function ownerOf(s) return #s >= header and string.sub(s, header + 1, header + string.byte(s, header)) or '' end
`) + script
}
