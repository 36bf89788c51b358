package main

// engines returns all, by name. A parameter whose source says "measured" is that
// of a server that shared its two cores with the client, so that one with cores
// of its own is rather faster; sizes were fitted to records of 300 bytes. What
// says "model" is a choice or an estimate.
func engines() map[string]*engine {
	all := map[string]*engine{}
	add := func(e *engine) { all[e.name] = e }

	redis := func() []param {
		return []param{
			{"load", "µs", 10.8, "measured: 93,000/s, GET and PEXPIRETIME, rueidis"},
			{"save", "µs", 14.9, "measured: 67,000/s, EVALSHA, rueidis"},
			{"touch", "µs", 9.7, "model: as GET, measured 103,000/s"},
			{"create", "µs", 14.9, "model: as save"},
			{"remove", "µs", 6.6, "measured: 100,000 UNLINK pipelined in 0.66 s"},
			{"index", "µs", 10.8, "model: as two commands"},
			{"flush", "µs", 0, "model: a reply does not wait for the disk"},
			{"fixed", "B", 149, "measured: 1 M keys of 41 bytes with expiry"},
			{"owner", "B", 193, "measured: a list of one session each"},
			{"listed", "µs", 0.40, "measured: ZRANGE of 100,000 in 40 ms"},
			{"indexed", "B", 144, "measured: per session in a list of 100,000"},
			{"pipeline", "", 500, "model: commands in one round trip of DeleteOwned"},
			{"cores", "", 1, "Redis runs commands in one thread"},
			{"partitions", "", 1, "-"},
			{"node-memory", "GB", 16, "model: of a node, for sessions"},
			{"network", "MB/s", 1250, "model: 10 Gbit/s for each node"},
			{"lag", "ms", 10, "model: replication behind the acknowledgement"},
			{"failover", "s", 17, "model: cluster-node-timeout of 15 s and an election"},
		}
	}
	single := &engine{name: "redis", memory: true, ttl: true, pipelined: true, params: redis()}
	single.replace("failover", 30, "model: Sentinel's down-after-milliseconds of 30 s")
	single.replace("node-memory", 64, "model: of the one server, for sessions")
	add(single)
	cluster := &engine{name: "redis-cluster", sharded: true, memory: true, ttl: true, pipelined: true, params: redis()}
	cluster.replace("fixed", 165, "measured: as single, and 16 more for the slot's list")
	add(cluster)

	postgres := func() []param {
		return []param{
			{"load", "µs", 77, "measured: 26,000/s on 2 cores"},
			{"save", "µs", 149, "measured: 13,400/s on 2 cores"},
			{"touch", "µs", 204, "measured: 9,800/s on 2 cores"},
			{"create", "µs", 267, "measured: 7,500/s on 2 cores"},
			{"remove", "µs", 204, "model: as touch"},
			{"index", "µs", 0, "model: part of the row's statement"},
			{"flush", "µs", 250, "model: waiting for the commit; measured 1/3,900 s alone"},
			{"fixed", "B", 100, "measured: 512 bytes of heap for 300 of data"},
			{"owner", "B", 111, "measured: the three indexes, half of the rows with an owner"},
			{"listed", "µs", 1.8, "measured: DELETE of 100,000 rows of an owner in 176 ms"},
			{"indexed", "B", 42, "measured: index entry on owner"},
			{"pipeline", "", 1e9, "DeleteOwned is one statement"},
			{"cores", "", 16, "model: of the one writer; speed grows with them"},
			{"partitions", "", 1, "-"},
			{"wal", "B", 176, "measured: touch, HOT; a save adds its data"},
			{"wal-index", "B", 135, "measured: saves with and without HOT: 341, 206"},
			{"wal-limit", "MB/s", 300, "model: what disk and replicas take all day"},
			{"page-image", "B", 6550, "model: a page with its hole left out"},
			{"checkpoint", "min", 15, "model: checkpoint_timeout"},
			{"slot", "min", 10, "schema: width of the indexed expiry"},
			{"batch", "ms", 1.1, "measured: 200 rows of one partition by ctid"},
			{"network", "MB/s", 1250, "model: 10 Gbit/s"},
			{"lag", "ms", 10, "model: asynchronous standby; 0 is a synchronous one"},
			{"failover", "s", 30, "model: a cluster manager's time to live"},
		}
	}
	add(&engine{name: "postgres", wal: true, params: postgres()})
	hashed := &engine{name: "postgres-hash", wal: true, params: postgres()}
	hashed.replace("partitions", 16, "model: see the schema")
	hashed.replace("load", 165, "measured: 12,100/s on 2 cores, 16 partitions")
	hashed.replace("save", 282, "measured: 7,100/s")
	hashed.replace("touch", 300, "measured: 6,700/s")
	hashed.replace("create", 267, "measured: 7,500/s; 7,900/s with 16 partitions")
	hashed.replace("remove", 300, "model: as touch")
	hashed.replace("owner", 112, "measured: the three indexes")
	add(hashed)

	maria := &engine{name: "mariadb", params: []param{
		{"load", "µs", 105, "measured: 19,000/s on 2 cores"},
		{"save", "µs", 192, "measured: 10,400/s on 2 cores"},
		{"touch", "µs", 192, "model: as save"},
		{"create", "µs", 192, "model: as save"},
		{"remove", "µs", 192, "model: as save"},
		{"index", "µs", 0, "model: part of the row's statement"},
		{"flush", "µs", 312, "measured: 1/3,200 s alone"},
		{"fixed", "B", 300, "model: row, keys and page filling"},
		{"owner", "B", 0, "model: in fixed"},
		{"listed", "µs", 12, "measured: sweep of 50,000 in 0.62 s"},
		{"indexed", "B", 50, "model"},
		{"pipeline", "", 1e9, "DeleteOwned is one statement"},
		{"cores", "", 16, "model: of the one writer; speed grows with them"},
		{"partitions", "", 1, "-"},
		{"batch", "ms", 2.5, "measured: sweep of 50,000 in 0.62 s"},
		{"network", "MB/s", 1250, "model: 10 Gbit/s"},
		{"lag", "ms", 10, "model: asynchronous replica"},
		{"failover", "s", 30, "model: a cluster manager's time to live"},
	}}
	add(maria)

	add(&engine{name: "nats", ttl: true, pipelined: true, touchLoads: true, params: []param{
		{"load", "µs", 69, "measured: 29,000/s on 2 cores, 1 M keys"},
		{"save", "µs", 77, "measured: 26,000/s on 2 cores, 1 M keys"},
		{"touch", "µs", 77, "model: as save, after a load"},
		{"create", "µs", 77, "model: as save"},
		{"remove", "µs", 77, "model: as save"},
		{"index", "µs", 77, "model: as save"},
		{"flush", "µs", 0, "model: acknowledged before fsync, the default"},
		{"fixed", "B", 197, "measured: 497 MB for 1 M of 300 bytes"},
		{"owner", "B", 0, "model: not measured"},
		{"listed", "µs", 10, "measured: 20,000 keys in 0.2 s"},
		{"indexed", "B", 197, "model: as a key"},
		{"pipeline", "", 500, "model: publishes in flight"},
		{"cores", "", 2, "model: a stream has one leader, which is not spread"},
		{"partitions", "", 1, "-"},
		{"network", "MB/s", 1250, "model: 10 Gbit/s"},
		{"lag", "ms", 0, "model: R3; 120,000 ms for R1 is sync_interval"},
		{"failover", "s", 5, "model: election of a leader"},
	}})
	return all
}

func (e *engine) replace(name string, value float64, source string) {
	for i := range e.params {
		if p := &e.params[i]; p.name == name {
			p.value, p.source = value, source
			return
		}
	}
	panic("scale: no parameter " + name)
}
