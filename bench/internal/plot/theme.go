package plot

// A Theme is a set of colours.
type Theme struct {
	Background string
	Text       string
	Muted      string // small print and axes
	Grid       string
	Bars       []string // one for each series, from the start again if there are more
}

var (
	// Light is for pages that are white.
	Light = Theme{
		Background: "#ffffff",
		Text:       "#1f2328",
		Muted:      "#59636e",
		Grid:       "#d1d9e0",
		Bars:       []string{"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"},
	}

	// Dark is for pages that are nearly black.
	Dark = Theme{
		Background: "#0d1117",
		Text:       "#f0f6fc",
		Muted:      "#9198a1",
		Grid:       "#3d444d",
		Bars:       []string{"#56b4e9", "#e69f00", "#2fc29a", "#cc79a7", "#f0e442", "#d55e00"},
	}
)
