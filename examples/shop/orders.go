package main

import (
	"slices"
	"sync"
	"time"
)

// orders stands for a database of orders.
type orders struct {
	mu     sync.Mutex
	last   int
	byUser map[string][]order
}

type order struct {
	Number int
	Placed time.Time
	Lines  []line
	Total  Money
}

// Status makes as if parcels were packed and driven about.
func (o order) Status() string {
	switch age := time.Since(o.Placed); {
	case age < 8*time.Second:
		return "received"
	case age < 20*time.Second:
		return "packed"
	case age < time.Minute:
		return "on its way"
	}
	return "delivered"
}

func (o *orders) place(user string, cart map[string]int) (number int) {
	list, total := lines(cart)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byUser == nil {
		o.byUser = make(map[string][]order)
		o.last = 1000
	}
	o.last++
	o.byUser[user] = append(o.byUser[user], order{o.last, time.Now(), list, total})
	return o.last
}

// of returns a user's orders, the latest first.
func (o *orders) of(user string) []order {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := slices.Clone(o.byUser[user])
	slices.Reverse(list)
	return list
}
