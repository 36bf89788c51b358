package sesamegin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"

	"github.com/sesame-go/sesame"
	sesamegin "github.com/sesame-go/sesame/adapters/gin"
)

type Session struct {
	Times int `sesame:"sum"`
}

// A page that counts visits.
func Example() {
	sessions := sesame.New[Session]()

	router := gin.New()
	router.Use(sesamegin.Sessions(sessions))
	router.GET("/", func(c *gin.Context) {
		s := sessions.Get(c)
		s.Times++
		c.String(http.StatusOK, "%d times!\n", s.Times)
	})

	request := httptest.NewRequest("GET", "/", nil)
	for range 2 { // as a browser that keeps its cookie
		response := httptest.NewRecorder()
		router.ServeHTTP(response, request)
		fmt.Print(response.Body)
		for _, cookie := range response.Result().Cookies() {
			request.AddCookie(cookie)
		}
	}
	// Output:
	// 1 times!
	// 2 times!
}
