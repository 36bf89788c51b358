package bench

import "time"

// The sessions that codecs are compared with. Code for them is generated, and
// checked in, by
//
//	go run github.com/tinylib/msgp@v1.6.5 -file codecs_sessions_test.go -o codecs_msgp_test.go -tests=false -io=false

//msgp:newtime

// CodecSmall is a session of three fields.
type CodecSmall struct {
	Visits int
	User   string
	Seen   time.Time
}

// CodecMedium is one of about 1 KiB.
type CodecMedium struct {
	UserID   int64
	Email    string
	Name     string
	Admin    bool
	LoggedIn time.Time
	Roles    []string
	Cart     map[string]int
	Prefs    map[string]string
	Billing  CodecAddress
	Shipping *CodecAddress
	Recent   []string
	CSRF     string
}

// CodecAddress is nested in it.
type CodecAddress struct {
	Street, City, Zip, Country string
}
