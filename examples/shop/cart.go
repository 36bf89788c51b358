package main

import (
	"fmt"
	"net/http"
)

func (s *shop) front(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "front", goods)
}

// A line is one of the cart's, or of an order's.
type line struct {
	Good
	Count int
}

func (l line) Sum() Money { return l.Price * Money(l.Count) }

// lines lists a cart in the order of the shelf.
func lines(cart map[string]int) (list []line, total Money) {
	for _, g := range goods {
		if n := cart[g.ID]; n > 0 {
			list = append(list, line{g, n})
			total += line{g, n}.Sum()
		}
	}
	return list, total
}

func (s *shop) cart(w http.ResponseWriter, r *http.Request) {
	list, total := lines(s.sessions.Get(r.Context()).Cart)
	s.render(w, r, http.StatusOK, "cart", struct {
		Lines []line
		Total Money
	}{list, total})
}

func (s *shop) addToCart(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	good, ok := findGood(r.PostFormValue("good"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	session := s.sessions.Get(ctx)
	if session.Cart[good.ID] >= 99 {
		s.tell(ctx, "We have no more than 99 of one kind.")
		http.Redirect(w, r, "/cart", http.StatusSeeOther)
		return
	}
	if session.Cart == nil {
		session.Cart = make(map[string]int)
	}
	session.Cart[good.ID]++
	if s.sessions.Info(ctx).New {
		s.sessions.Remember(ctx, 7*day, 30*day) // a visitor's cart waits for a week
	}
	s.tell(ctx, good.Name+" is in your cart.")
	http.Redirect(w, r, safeNext(r.PostFormValue("next")), http.StatusSeeOther)
}

func (s *shop) removeFromCart(w http.ResponseWriter, r *http.Request) {
	delete(s.sessions.Get(r.Context()).Cart, r.PostFormValue("good"))
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
}

// countCart is asked by open pages now and then. A page that is only open does
// not keep its session alive.
func (s *shop) countCart(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	s.sessions.Passive(ctx)
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprint(w, count(s.sessions.Get(ctx).Cart))
}

func count(cart map[string]int) (n int) {
	for _, more := range cart {
		n += more
	}
	return n
}

// buy takes the cart in one step, so that a double click orders once.
func (s *shop) buy(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	var bought map[string]int
	err := s.sessions.Update(ctx, func(session *Session) error {
		bought, session.Cart = session.Cart, nil
		return nil
	})
	if err != nil {
		s.fail(w, err)
		return
	}
	if count(bought) > 0 {
		number := s.orders.place(s.sessions.Get(ctx).User, bought)
		s.tell(ctx, fmt.Sprintf("Thank you! This is your order %d.", number))
	}
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}
