// Starts Swagger UI with this server's own description; nothing is asked of any other host.
window.addEventListener("DOMContentLoaded", function () {
  window.ui = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#api",
    validatorUrl: null,
    deepLinking: true,
    docExpansion: "none",
    filter: true,
    tagsSorter: "alpha",
    displayRequestDuration: true,
    showExtensions: true,
    defaultModelsExpandDepth: 0,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
  });
});
