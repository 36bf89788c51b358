package main

import "fmt"

// Money is an amount in cents.
type Money int

func (m Money) String() string { return fmt.Sprintf("€%d.%02d", m/100, m%100) }

// A Good is what the shop sells.
type Good struct {
	ID, Name, Text, Pack string
	Price                Money
}

// goods is what is on the shelf. The style sheet has a colour for each.
var goods = []Good{
	{"assam", "Assam Second Flush", "Malty and strong, for the morning, with or without milk.", "100 g", 740},
	{"sencha", "Sencha Uji", "Steamed green tea from Kyoto. Grassy, a little sweet.", "80 g", 1180},
	{"chai", "Bazaar Chai", "Black tea, cardamom, ginger, clove, and a long story.", "120 g", 690},
	{"rooibos", "Rooibos Sunset", "Red bush with orange peel. No caffeine, so any hour will do.", "100 g", 560},
	{"sesame", "Black Sesame", "Roasted this week. For rice, bread, and opening caves.", "150 g", 480},
	{"saffron", "Saffron Threads", "Picked by hand at dawn. One gram, and dinner is a feast.", "1 g", 990},
}

func findGood(id string) (Good, bool) {
	for _, g := range goods {
		if g.ID == id {
			return g, true
		}
	}
	return Good{}, false
}
