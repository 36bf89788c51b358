package main

import (
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// accounts stands for a database of users. A real one also bounds how often a
// password may be tried.
type accounts struct {
	mu   sync.RWMutex
	byID map[string]account
	cost int // how much work a new hash is, see bcrypt
}

type account struct {
	ID    string
	Name  string
	Admin bool
	hash  string // of the password, by bcrypt
}

func demoAccounts() *accounts {
	return newAccounts(
		account{"ann", "Ann", false, "$2a$10$pymWkquBMJZvobdfJGoxt.JaD33FNLLR146lW2y0JXaZbppGmzRPS"},    // apple
		account{"bob", "Bob", false, "$2a$10$C75IoBiiKwzDse0s8cHsou71mEdhUz3iw3QapLDkBH1Y0EMwHxMf6"},    // banana
		account{"carol", "Carol", true, "$2a$10$04Jhk0E5kFHOTcq0qRElEe9tYt7yMFbb955zLcvK9HJWFCCscYAlG"}, // cherry
	)
}

func newAccounts(list ...account) *accounts {
	a := &accounts{byID: make(map[string]account), cost: bcrypt.DefaultCost}
	for _, user := range list {
		a.byID[user.ID] = user
	}
	return a
}

// find returns a user who has a password here.
func (a *accounts) find(id string) (account, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	user, ok := a.byID[id]
	return user, ok
}

// unknown is a hash of a password that no account has: a log-in takes as long
// for a name that does not exist as for one that does.
const unknown = "$2a$10$hh9KOGUTmU3R5gsgUutBwOQ/Vowkla0/Kx4AgbIQU6/0bUWFGWW06"

// authenticate returns the user if the password is right.
func (a *accounts) authenticate(id, password string) (account, bool) {
	user, known := a.find(id)
	if !known {
		user.hash = unknown
	}
	err := bcrypt.CompareHashAndPassword([]byte(user.hash), []byte(password))
	return user, known && err == nil
}

// setPassword refuses passwords longer than bcrypt can take, 72 bytes.
func (a *accounts) setPassword(id, password string) error {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), a.cost)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	user := a.byID[id]
	user.hash = string(hash)
	a.byID[id] = user
	return nil
}
