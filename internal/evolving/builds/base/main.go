// Command base is the program before any change.
package main

import "github.com/sesame-go/sesame/internal/evolving/program"

func main() { program.RunBase() }
