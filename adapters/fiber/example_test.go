package sesamefiber_test

import (
	"fmt"
	"io"
	"net/http/httptest"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"

	"github.com/sesame-go/sesame"
	sesamefiber "github.com/sesame-go/sesame/adapters/fiber"
)

type Session struct {
	Times int `sesame:"sum"`
}

// A page that counts visits.
func Example() {
	sessions := sesame.New[Session]()

	app := fiber.New()
	app.Use(recover.New(), sesamefiber.Sessions(sessions))
	app.Get("/", func(c fiber.Ctx) error {
		s := sessions.Get(c)
		s.Times++
		return c.SendString(fmt.Sprintf("%d times!\n", s.Times))
	})

	request := httptest.NewRequest("GET", "/", nil)
	for range 2 { // as a browser that keeps its cookie
		response, err := app.Test(request)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(response.Body)
		fmt.Print(string(body))
		for _, cookie := range response.Cookies() {
			request.AddCookie(cookie)
		}
	}
	// Output:
	// 1 times!
	// 2 times!
}
