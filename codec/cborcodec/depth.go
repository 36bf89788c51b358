package cborcodec

import "reflect"

// measureDepth returns an error if v, which is of p's type, nests deeper than
// maxDepth, as it does if it refers to itself. It looks at those parts only
// whose type allows for that. It also finds in an interface what cannot be
// carried.
func (p *plan) measureDepth(v reflect.Value, depth int) error {
	if !p.deep {
		return nil
	}
	if depth++; depth > maxDepth {
		return errTooDeep
	}
	switch p.form {
	case ofAny:
		if v.IsNil() {
			return nil
		}
		inside, err := planOf(v.Elem().Type())
		if err != nil {
			return err
		}
		return inside.measureDepth(v.Elem(), depth)
	case ofPointer:
		if v.IsNil() {
			return nil
		}
		return p.elem.measureDepth(v.Elem(), depth)
	case ofSlice, ofArray:
		for i := range v.Len() {
			if err := p.elem.measureDepth(v.Index(i), depth); err != nil {
				return err
			}
		}
	case ofMap:
		for k, e := range v.Seq2() {
			if err := p.key.measureDepth(k, depth); err != nil {
				return err
			}
			if err := p.elem.measureDepth(e, depth); err != nil {
				return err
			}
		}
	case ofStruct, ofTuple:
		for _, f := range p.fields {
			if !f.deep {
				continue
			}
			fv, err := v.FieldByIndexErr(f.index)
			if err != nil {
				continue // behind an embedded pointer that is nil
			}
			if err := f.measureDepth(fv, depth); err != nil {
				return err
			}
		}
	}
	return nil
}
