package bench

import (
	"fmt"
	"strings"
	"time"
)

// Sessions are the structs that are measured. To measure one of your own, add
// it: its name, a value as it is while a user is signed in, a field to read
// and a change to make.
//
//	Of("own", Own{User: "ann", Visits: 3}, func(s *Own) string { return s.User }, func(s *Own) { s.Visits++ }),
//
// Libraries whose sessions are maps then keep it whole, under one key. This
// measures it, without servers:
//
//	go run ./cmd/compare -sizes own -stores memory
var Sessions = append([]Session{
	Sample[Small]{
		Size: "small", Value: newSmall(),
		Read:   func(s *Small) string { return s.User },
		Change: func(s *Small) { s.Times++ },
		Keys:   smallKeys,
	},
	Sample[Medium]{
		Size: "medium", Value: newMedium(),
		Read:   func(s *Medium) string { return s.Email },
		Change: func(s *Medium) { s.Cart["article-0001"]++ },
		Mark:   func(s *Medium, i int) { s.Settings[fmt.Sprintf("mark-%d", i)] = "set" },
		Marks: func(s *Medium) (n int) {
			for name := range s.Settings {
				if strings.HasPrefix(name, "mark-") {
					n++
				}
			}
			return n
		},
	},
}, large...)

// Small is a session of three fields.
type Small struct {
	User  string
	Times int
	Admin bool
}

// Medium is a session of about a kilobyte: what a shop keeps.
type Medium struct {
	User, Name, Email string
	AccessToken       string // of an identity provider
	Times             int
	SignedIn          time.Time
	Roles             []string
	Cart              map[string]int
	Settings          map[string]string
	Recent            []Page
	Address           Address
}

// Page is a page that a user has seen.
type Page struct {
	Path string
	At   time.Time
}

// Address is where a shop delivers to.
type Address struct{ Street, City, Country, Zip string }

func newSmall() Small { return Small{User: "u-4711", Times: 3} }

func newMedium() Medium {
	at := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	m := Medium{
		User: "u-4711", Name: "Ann Example", Email: "ann@example.com", Times: 3, SignedIn: at,
		AccessToken: strings.Repeat("t", 300),
		Roles:       []string{"reader", "writer", "auditor"},
		Cart:        map[string]int{}, Settings: map[string]string{},
		Address: Address{"1 Main Street", "Springfield", "US", "12345"},
	}
	for i := range 6 {
		m.Cart[fmt.Sprintf("article-%04d", i)] = i
		m.Settings[fmt.Sprintf("setting-%d", i)] = strings.Repeat("x", 20)
		m.Recent = append(m.Recent, Page{fmt.Sprintf("/articles/%04d", i), at.Add(time.Duration(i) * time.Minute)})
	}
	return m
}

// smallKeys is how Small is kept where sessions are maps: a key for each field,
// as those libraries' own examples do.
var smallKeys = &Keys[Small]{
	Put: func(v Values, s Small) {
		v.Set("user", s.User)
		v.Set("times", s.Times)
		v.Set("admin", s.Admin)
	},
	Take: func(v Values) (s Small) {
		s.User, _ = v.Get("user").(string)
		s.Times, _ = v.Get("times").(int)
		s.Admin, _ = v.Get("admin").(bool)
		return s
	},
	Read:   func(v Values) string { s, _ := v.Get("user").(string); return s },
	Change: func(v Values) { n, _ := v.Get("times").(int); v.Set("times", n+1) },
}
