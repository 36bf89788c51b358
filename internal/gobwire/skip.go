package gobwire

// skip reads past a value that the program has no place for.
func (r *reader) skip(id int32) {
	r.enter()
	defer r.leave()
	switch t := r.typ(id); t.kind {
	case boolKind, intKind, uintKind, floatKind:
		r.uint()
	case complexKind:
		r.uint()
		r.uint()
	case bytesKind, stringKind, gobKind, binaryKind, textKind:
		r.bytes()
	case arrayKind, sliceKind:
		n := r.count()
		if t.kind == arrayKind && n != t.len {
			r.fail("array of the wrong length")
		}
		for i := 0; i < n && r.err == nil; i++ {
			r.skip(t.elem)
		}
	case mapKind:
		n := r.count()
		for i := 0; i < n && r.err == nil; i++ {
			r.skip(t.key)
			r.skip(t.elem)
		}
	case structKind:
		for f := r.nextField(-1, len(t.fields)); f >= 0; f = r.nextField(f, len(t.fields)) {
			r.skip(t.fields[f].id)
		}
	case interfaceKind:
		d := r.openInterface()
		if len(d.name) == 0 || r.err != nil {
			return
		}
		if r.typ(d.id).kind != structKind && r.uint() != 0 {
			r.fail("no zero in front of a single value")
		}
		r.skip(d.id)
		r.closeInterface(d)
	}
}
